// Package cloud is the local AWS as one http.Handler: the front door, the
// services behind it, the durable store below them, and the metadata service
// of the instances. All of it is wired here.
package cloud

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"beanpole/internal/access"
	"beanpole/internal/account"
	"beanpole/internal/cloud/authority"
	"beanpole/internal/cloud/balancing"
	"beanpole/internal/cloud/cloudformation"
	"beanpole/internal/cloud/door"
	"beanpole/internal/cloud/ec2"
	"beanpole/internal/cloud/elasticbeanstalk"
	"beanpole/internal/cloud/iam"
	"beanpole/internal/cloud/kms"
	"beanpole/internal/cloud/metadata"
	"beanpole/internal/cloud/organizations"
	"beanpole/internal/cloud/s3"
	"beanpole/internal/cloud/state"
	"beanpole/internal/cloud/sts"
)

// Config says what the local AWS is.
type Config struct {
	// Dir keeps everything that lasts.
	Dir string
	// Region is the default one, AccountID the account's 12 digits. They count
	// when Dir is first used; empty ones have defaults.
	Region, AccountID string
	// Launcher starts the environments' instances.
	Launcher elasticbeanstalk.Launcher
	// PortFor is the port on 127.0.0.1 for a load balancer's port. Nil: as
	// package elasticbeanstalk says.
	PortFor func(listenerPort int) int
	// RealTime keeps AWS's pauses between health checks, and lets stacks wait
	// for signals for as long as their templates say.
	RealTime bool
	// Log gets our own failures, never a secret.
	Log io.Writer
}

// Cloud is the local AWS.
type Cloud struct {
	config    Config
	door      *door.Door
	state     *state.State
	authority *authority.Authority
	s3        *s3.Service
	stacks    *cloudformation.Service
	beanstalk *elasticbeanstalk.Service
}

// New opens the local AWS in a directory. When another process uses it, the
// error is a *source.Problem of one line.
func New(c Config) (*Cloud, error) {
	st, err := state.OpenAs(c.Dir, c.AccountID, c.Region)
	if err != nil {
		return nil, err
	}
	l := &Cloud{config: c, state: st}
	if err := l.open(); err != nil {
		st.Close()
		return nil, err
	}
	return l, nil
}

// open makes the services and puts their rows behind the door.
func (c *Cloud) open() (err error) {
	if c.authority, err = authority.Open(filepath.Join(c.config.Dir, "authority")); err != nil {
		return err
	}
	if c.s3, err = s3.New(c.state); err != nil {
		return err
	}
	c.door = door.New(door.Options{Accounts: c.state, Region: c.state.Region(), Document: c.authority.Verify, Log: c.config.Log})
	c.door.Add(iam.New(c.state).Rows()...)
	c.door.Add(sts.New(c.state).Rows()...)
	c.door.Add(kms.New(c.state).Rows()...)
	c.door.Add(organizations.Rows()...)
	if c.stacks, err = cloudformation.New(c.door, c.state); err != nil {
		return err
	}
	c.door.Add(c.stacks.HandleRow()) // before S3's own, of which one would match too
	c.door.Add(c.s3.Rows()...)
	c.beanstalk, err = elasticbeanstalk.New(elasticbeanstalk.Options{Door: c.door, State: c.state, Stacks: c.stacks, Launcher: c.config.Launcher,
		PortFor: c.config.PortFor, TLS: c.authority.TLS(), RealTime: c.config.RealTime})
	if err != nil {
		return err
	}
	if c.config.RealTime {
		c.stacks.Patience(0)
	}
	c.door.Add(c.stacks.Rows()...)
	c.door.Add(ec2.New(c.state, c.stacks).Rows()...)
	c.door.Add(c.beanstalk.Rows()...)
	c.door.Add(balancing.New(c.state, c.stacks, c.beanstalk).Rows()...)
	c.beanstalk.Resume()
	return nil
}

// ServeHTTP answers a request to any of AWS's services.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.door.ServeHTTP(w, r) }

// State is the store.
func (c *Cloud) State() *state.State { return c.state }

// Authority stands behind the names of AWS's services.
func (c *Cloud) Authority() *authority.Authority { return c.authority }

// Seed has an object put the moment that its bucket is created.
func (c *Cloud) Seed(bucket, key string, data []byte) error { return c.s3.Seed(bucket, key, data) }

// WayTo is how far packets of an instance get on their way to a name or, for
// "", to the internet: what the chain's network link says of it.
func (c *Cloud) WayTo(p *access.Placement, host, protocol string, port int) (w access.Way, err error) {
	n, err := c.stacks.Network()
	if err != nil {
		return w, err
	}
	c.state.View(func(a *account.Account) {
		b := *a
		b.Network = *n
		w = access.WayTo(&b, p, host, protocol, port)
	})
	return w, nil
}

// From is the local AWS for the instances of one placement: what comes to S3
// through a VPC endpoint must get past the endpoint's policy.
func (c *Cloud) From(p *access.Placement) http.Handler {
	if p == nil {
		return c
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		port := 80
		if r.TLS != nil {
			port = 443
		}
		c.ServeHTTP(w, r.WithContext(door.Through(r.Context(), func(host string) *account.Endpoint {
			way, err := c.WayTo(p, host, "tcp", port)
			if err != nil && c.config.Log != nil {
				fmt.Fprintf(c.config.Log, "the way to %s: %v\n", host, err)
			}
			return way.Endpoint
		})))
	})
}

// Edges are the ports from which on WayTo may answer differently.
func (c *Cloud) Edges(p *access.Placement) ([]int, error) {
	n, err := c.stacks.Network()
	if err != nil {
		return nil, err
	}
	return access.Edges(n, p), nil
}

// MetadataOptions say which instance a metadata service is for.
type MetadataOptions struct {
	InstanceID, Region, PrivateIP string
	// Profile is the instance profile now: a name or ARN, "" for none.
	Profile func() string
	// TokensRequired refuses version 1.
	TokensRequired bool
}

// Metadata is the metadata service of one instance.
func (c *Cloud) Metadata(o MetadataOptions) http.Handler {
	if o.Region == "" {
		o.Region = c.state.Region()
	}
	m := metadata.Options{InstanceID: o.InstanceID, Region: o.Region, AccountID: c.state.AccountID(), PrivateIP: o.PrivateIP, Profile: o.Profile,
		State: c.state, TokensRequired: o.TokensRequired, Log: c.config.Log}
	launched := time.Now()
	// It never changes: it is signed once, and not for each who asks.
	m.Document = sync.OnceValues(func() (doc, sig []byte) {
		doc, err := metadata.Document(m, launched)
		if err == nil {
			sig, err = c.authority.Sign(doc)
		}
		if err != nil && c.config.Log != nil {
			fmt.Fprintf(c.config.Log, "metadata of %s: %v\n", o.InstanceID, err)
		}
		return doc, sig
	})
	return metadata.Handler(m)
}

// Close ends environments, operations under way and the store, in this order.
func (c *Cloud) Close(ctx context.Context) error {
	err := c.beanstalk.Close(ctx)
	c.stacks.Close()
	c.authority.Close()
	return errors.Join(err, c.state.Close())
}
