package cfn

import (
	"net/netip"
	"strconv"
	"strings"

	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// length carries out Fn::Length of AWS::LanguageExtensions.
func (e *evaluator) length(n, arg *source.Node) (*source.Node, *source.Problem) {
	list, problem := e.value(arg)
	if problem != nil {
		return nil, problem
	}
	if list != nil && list.Kind == source.String && !fact.Known(list.Text) {
		return unknown(n, "Fn::Length of %s", named(list.Text)), nil
	}
	if list == nil || list.Kind != source.Seq {
		return nil, templateError(arg.Place(), "Fn::Length takes a list, and this is none")
	}
	return &source.Node{Kind: source.Int, Text: strconv.Itoa(len(list.Items)), Pos: n.Pos, End: n.End, From: list.From}, nil
}

// toJSON carries out Fn::ToJsonString of AWS::LanguageExtensions.
func (e *evaluator) toJSON(n, arg *source.Node) (*source.Node, *source.Problem) {
	v, problem := e.value(arg)
	if problem != nil {
		return nil, problem
	}
	if v == nil || v.IsScalar() && fact.Known(v.Text) {
		return nil, templateError(arg.Place(), "Fn::ToJsonString takes a map or a list, and this is none")
	}
	text := string(v.JSON())
	if problem := e.long(n, len(text)); problem != nil {
		return nil, problem
	}
	// JSON escapes what is not plain: of other unknown parts than these it is
	// not even known how long they are.
	if !plain(text) {
		return unknown(n, "Fn::ToJsonString of %s", short(named(text), n)), nil
	}
	return made(n, text, v.From...), e.spend(n, len(text))
}

// plain reports whether every part of text that is not known consists of
// letters, digits and hyphens.
func plain(text string) bool {
	for _, name := range fact.Missing(text) {
		switch name {
		case "AWS::AccountId", "AWS::Region", "AWS::Partition", "AWS::StackName":
		default:
			return false
		}
	}
	return true
}

// cidr carries out Fn::Cidr: so many blocks of 32-cidrBits (IPv6: 128) from
// the start of a block. [CFN:intrinsic-function-reference-cidr]
func (e *evaluator) cidr(n, arg *source.Node) (*source.Node, *source.Problem) {
	as, problem := args("Cidr", arg, 2, 3)
	if problem != nil {
		return nil, problem
	}
	var texts []string
	var from []source.Origin
	for _, a := range as {
		v, problem := e.text(a, "a value of Fn::Cidr")
		if problem != nil {
			return nil, problem
		}
		texts, from = append(texts, v.Text), gather(from, v.From)
	}
	if all := strings.Join(texts, ", "); len(texts) == 2 || !fact.Known(all) { // cidrBits' default is not documented
		return unknown(n, "Fn::Cidr of %s", named(all)), nil
	}
	block, err := netip.ParsePrefix(texts[0])
	if err != nil {
		return nil, templateError(as[0].Pos, "Fn::Cidr takes a block of addresses such as 10.0.0.0/16, and %q is none", texts[0])
	}
	count, err := strconv.Atoi(texts[1])
	if err != nil || count < 1 || count > 256 {
		return nil, templateError(as[1].Pos, "Fn::Cidr makes 1 to 256 blocks, not %q", texts[1])
	}
	bits, err := strconv.Atoi(texts[2])
	size := block.Addr().BitLen()
	if err != nil || bits < 1 || size-bits < block.Bits() || bits >= size || !fits(count, size-bits-block.Bits()) {
		return nil, templateError(n.Pos, "%s has no %d blocks with %s bits each", texts[0], count, texts[2])
	}
	if problem := e.spend(n, 64*count); problem != nil {
		return nil, problem
	}
	list := &source.Node{Kind: source.Seq, Pos: n.Pos, End: n.End, From: from}
	at := block.Masked().Addr()
	for range count {
		list.Items = append(list.Items, made(n, netip.PrefixFrom(at, size-bits).String(), from...))
		at = advance(at, bits)
	}
	return list, nil
}

// fits reports whether so many blocks fit where bits choose among them.
func fits(count, bits int) bool { return bits >= 9 || count <= 1<<bits }

// advance is the address 2^bits behind a.
func advance(a netip.Addr, bits int) netip.Addr {
	b := a.AsSlice()
	i := len(b) - 1 - bits/8
	carry := 1 << (bits % 8)
	for ; i >= 0 && carry > 0; i-- {
		carry += int(b[i])
		b[i] = byte(carry)
		carry >>= 8
	}
	next, _ := netip.AddrFromSlice(b)
	return next
}
