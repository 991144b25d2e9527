package check

import (
	"beanpole/internal/access"
	"beanpole/internal/ebext"
	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// Existing is an environment that exists, as it was read of a live account.
type Existing struct {
	Application, Name, Platform string
	// Settings are its option settings in force, given those of the bundle.
	Settings func(bundle ebext.Settings) ebext.Settings
	// Unread says what would settle the settings, "" when they were read.
	Unread string
	// Metadata is what its instances read, of the environment's own stack; nil
	// with a bundle, from which it is predicted.
	Metadata *source.Node
	// DefaultVPC is where the instances are when no option names a VPC, with
	// its default subnets; "" when that is not known.
	DefaultVPC string
	Subnets    []string
}

// deployed: what is deployed is looked at, not what would be.
func (e *Existing) deployed() bool { return e != nil && e.Metadata != nil }

// useExisting takes over what is known of the live environment.
func (r *run) useExisting() {
	e := r.in.Existing
	if e == nil {
		return
	}
	r.direct = e.Unread == ""
	r.application, r.name = e.Application, e.Name
	r.settings = append(r.settings, e.Settings(r.x.Settings)...)
}

// unreadSettings says what would settle the option settings of a live
// environment, "" when it was read or there is none.
func (r *run) unreadSettings() string {
	if r.in.Existing == nil {
		return ""
	}
	return r.in.Existing.Unread
}

// planDeployed plans what the instances do with the metadata that is there.
func (r *run) planDeployed() error { return r.planOf(r.in.Existing.Metadata) }

// inDefaultVPC is the placement of instances when no option names a VPC.
func (r *run) inDefaultVPC() *access.Placement {
	e := r.in.Existing
	if e == nil || e.DefaultVPC == "" {
		return nil
	}
	p := &access.Placement{VPC: e.DefaultVPC, Subnets: e.Subnets, Auto: true, SecurityGroups: r.securityGroups()}
	if r.balanced() != fact.Holds {
		p.PublicIP, p.Auto = fact.Holds, false // an Elastic IP address, or the default subnets' public ones
	}
	return p
}
