package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"beanpole/internal/account/live"
	"beanpole/internal/account/reading"
	"beanpole/internal/cfn"
	"beanpole/internal/check"
	"beanpole/internal/ebext"
	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// deployed is the prediction of what is there: no PATH was given.
func (p *prediction) deployed() (*prediction, error) {
	q := *p
	r := p.reading
	if e := r.Environment; e != nil {
		q.path = e.Place()
	} else {
		q.path = "stack " + r.Stack.Name
		if err := q.useStack(); err != nil {
			return nil, err
		}
	}
	if !q.ready {
		if err := q.readInputs(); err != nil {
			return nil, err
		}
	}
	q.bundle = source.NoBundle(q.path)
	q.isDeployed = true
	return &q, nil
}

// useStack takes a plain stack's template and parameters as those given.
func (p *prediction) useStack() (err error) {
	s := p.reading.Stack
	if strings.TrimSpace(s.Template) == "" {
		return &exitError{exitUntold, fmt.Sprintf("the template of stack %s could not be read (permission cloudformation:GetTemplate)", s.Name)}
	}
	p.templateText = []byte(s.Template)
	if p.parsed, err = cfn.Parse(s.Name+".template", p.templateText); err != nil {
		return err
	}
	p.params = map[string]string{}
	for k, v := range s.Parameters {
		p.params[k] = fact.Clean(v)
		if v != "" && strings.Trim(v, "*") == "" { // NoEcho, or left out of a saved account
			p.params[k] = fact.Symbol("value of parameter " + k + ", which is not told")
		}
	}
	p.settings, err = p.given()
	p.stack, p.ready = s.Name, true
	return err
}

// useReading puts what was read of the account into the input.
func (p *prediction) useReading(in *check.Input) {
	r := p.reading
	in.Account = r.Facts()
	in.Env.Region, in.Env.AccountID, in.Env.Partition = r.Region, r.Account, r.Partition
	if r.Partition == "aws-cn" {
		in.Env.URLSuffix = "amazonaws.com.cn"
	}
	in.NotKnown = append(slices.Clone(in.NotKnown), notRead(r)...)
	if p.blind() {
		in.NotKnown = append(in.NotKnown, "what the instances fetch is not known: "+p.settles("DescribeStackResource", "a reading of the environment that is whole (--environment NAME)"))
	}
	if e := r.Environment; e != nil {
		in.Existing = p.existing(e)
		if p.template == "" && p.planFile == "" {
			in.Environment = ""
		}
		return
	}
	if r.Stack != nil && r.Stack.Template != "" {
		in.Names = r.Stack.Resources
		in.Launched = launched(r)
	}
}

// launched is what was read of a plain stack's instances.
func launched(r *reading.Reading) *check.Launched {
	l := &check.Launched{}
	for _, i := range r.Stack.Instances {
		l.Instances = append(l.Instances, check.Launch{LogicalID: i.LogicalID, VPC: i.VPC, Subnet: i.Subnet, SecurityGroups: i.SecurityGroups, PublicIP: i.PublicIP})
	}
	l.DefaultVPC, l.Subnets = defaultVPC(r)
	return l
}

// defaultVPC is the region's default VPC with its default subnets, "" when it
// was not read.
func defaultVPC(r *reading.Reading) (id string, subnets []string) {
	all := slices.Clone(r.MoreNetworks)
	if r.Network != nil {
		all = append(all, *r.Network)
	}
	for _, n := range all {
		if !n.Default {
			continue
		}
		id = n.VPC
		for _, s := range n.Subnets {
			if s.DefaultAZ {
				subnets = append(subnets, s.ID)
			}
		}
	}
	return id, subnets
}

func (p *prediction) existing(e *reading.Environment) *check.Existing {
	x := &check.Existing{Application: e.Application, Name: e.Name, Platform: e.Platform,
		Settings: func(bundle ebext.Settings) ebext.Settings { return e.InForce(bundle, p.isDeployed) }}
	if len(e.Settings) == 0 {
		x.Unread = p.settles("DescribeConfigurationSettings", "the environment's option settings")
	}
	if p.metadataWanted() && p.reading.Stack != nil {
		x.Metadata, _ = p.reading.Stack.MetadataNode(groupResource) // JSON that was read once already
		if x.Metadata == nil {
			x.Metadata = source.NewMap(source.Pos{})
		}
	}
	x.DefaultVPC, x.Subnets = defaultVPC(p.reading)
	return x
}

// metadataWanted: without a bundle the metadata of the environment's stack says
// what the instances do.
func (p *prediction) metadataWanted() bool {
	return p.isDeployed && p.reading.Environment != nil && p.bundle != nil && len(p.bundle.Names()) == 0
}

// blind: it is not known what the instances do.
func (p *prediction) blind() bool {
	return p.metadataWanted() && (p.reading.Stack == nil || p.reading.Stack.MetadataText(groupResource) == nil)
}

// settles is what would have told what a call that was refused did not.
func (p *prediction) settles(operation, otherwise string) string {
	for i := range p.reading.NotRead {
		if x := &p.reading.NotRead[i]; strings.HasSuffix(x.Permission, ":"+operation) {
			return x.Settles()
		}
	}
	return otherwise
}

const groupResource = ebext.Group

// notRead says in one line for each kind of refusal what was not read.
func notRead(r *reading.Reading) (out []string) {
	type kind struct{ why, what string }
	var order []kind
	byKind := map[kind][]string{}
	for i := range r.NotRead {
		x := &r.NotRead[i]
		k := kind{"AWS did not answer (" + x.Code + ")", "calls"}
		switch {
		case x.Refused:
			k = kind{"AWS refused (" + x.Code + ")", "permissions that would settle it"}
		case x.Code == "":
			k.why = "no answer (" + x.Message + ")"
		}
		what := x.Permission + " on " + string(x.Kind) + " " + fact.Show(x.Name)
		if byKind[k] == nil {
			order = append(order, k)
		}
		if !slices.Contains(byKind[k], what) {
			byKind[k] = append(byKind[k], what)
		}
	}
	for _, k := range order {
		out = append(out, fmt.Sprintf("not read: %s; %s: %s", k.why, k.what, strings.Join(byKind[k], ", ")))
	}
	if o := r.Facts().Org; o != nil && o.Unread != "" {
		out = append(out, "what the organisation's policies (SCPs, RCPs) deny is not foreseen: only its management account or a delegated administrator may read them")
	}
	return out
}

// readDeployed gives what of the account is shown as a file.
func (p *prediction) readDeployed(file string) []byte {
	if p.reading == nil || p.reading.Stack == nil {
		return nil
	}
	if file == p.reading.Stack.MetadataPlace(groupResource) {
		return p.reading.Stack.MetadataText(groupResource)
	}
	return nil
}

func cutS3(url string) (bucket, key string) {
	bucket, key, _ = strings.Cut(strings.TrimPrefix(url, "s3://"), "/")
	return bucket, key
}

// printPolicyTo prints the least policy for reading.
func (f *accountFlags) printPolicyTo(w io.Writer, partition string) error {
	_, err := w.Write(live.Policy(partition, f.flags()))
	return err
}

// untold is the error of a check of a live account that cannot say that all is
// well, nil when it can.
func (p *prediction) untold(r *check.Report) error {
	if len(r.Findings) > 0 {
		return nil
	}
	if p.blind() {
		return &exitError{code: exitUntold}
	}
	for _, c := range r.Chains {
		if c.Answer.Verdict != fact.Holds {
			return &exitError{code: exitUntold}
		}
	}
	return nil
}
