package instance

import (
	"errors"
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// tableName is the host's nftables table for one instance.
func tableName(token string) string { return "beanpole_" + token }

// addFirewall keeps an instance away from the host and from what lies beyond:
// over its link it may only answer. Rules go by the link's name, so they stand
// before the link does.
func addFirewall(token string) error {
	link := linkPrefix + token
	c, err := nftables.New()
	if err != nil {
		return fmt.Errorf("open nftables: %w", err)
	}
	t := c.AddTable(&nftables.Table{Name: tableName(token), Family: nftables.TableFamilyINet})
	input := c.AddChain(&nftables.Chain{Name: "input", Table: t, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookInput, Priority: nftables.ChainPriorityFilter})
	c.AddRule(&nftables.Rule{Table: t, Chain: input, Exprs: append(onLink(expr.MetaKeyIIFNAME, link), replies()...)})
	c.AddRule(&nftables.Rule{Table: t, Chain: input, Exprs: append(onLink(expr.MetaKeyIIFNAME, link), drop())})
	// Nobody beyond the host reaches the instance either: the load balancer on
	// loopback is the only way in.
	forward := c.AddChain(&nftables.Chain{Name: "forward", Table: t, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookForward, Priority: nftables.ChainPriorityFilter})
	c.AddRule(&nftables.Rule{Table: t, Chain: forward, Exprs: append(onLink(expr.MetaKeyIIFNAME, link), drop())})
	c.AddRule(&nftables.Rule{Table: t, Chain: forward, Exprs: append(onLink(expr.MetaKeyOIFNAME, link), drop())})
	if err := c.Flush(); err != nil {
		return fmt.Errorf("add nftables table %s: %w", tableName(token), err)
	}
	return nil
}

// removeFirewall deletes the table; that it is gone already is fine.
func removeFirewall(token string) error {
	c, err := nftables.New()
	if err != nil {
		return fmt.Errorf("open nftables: %w", err)
	}
	c.DelTable(&nftables.Table{Name: tableName(token), Family: nftables.TableFamilyINet})
	if err := c.Flush(); err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("delete nftables table %s: %w", tableName(token), err)
	}
	return nil
}

// onLink matches packets that come in from, or go out to, a link.
func onLink(key expr.MetaKey, link string) []expr.Any {
	name := make([]byte, unix.IFNAMSIZ)
	copy(name, link)
	return []expr.Any{
		&expr.Meta{Key: key, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: name},
	}
}

// replies accepts packets of connections that the other side began.
func replies() []expr.Any {
	return []expr.Any{
		&expr.Ct{Key: expr.CtKeySTATE, Register: 1},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4,
			Mask: binaryutil.NativeEndian.PutUint32(expr.CtStateBitESTABLISHED | expr.CtStateBitRELATED),
			Xor:  binaryutil.NativeEndian.PutUint32(0)},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: []byte{0, 0, 0, 0}},
		&expr.Verdict{Kind: expr.VerdictAccept},
	}
}

func drop() expr.Any { return &expr.Verdict{Kind: expr.VerdictDrop} }
