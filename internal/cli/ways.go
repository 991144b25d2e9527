package cli

import (
	"fmt"

	"beanpole/internal/access"
	"beanpole/internal/aws"
	"beanpole/internal/fact"
	"beanpole/internal/instance"
)

// ways are what the VPC lets an instance reach; nil for one in the default
// VPC. Only what surely leads nowhere is cut off.
func (l *launcher) ways(p *access.Placement, region string, notice func(string)) (*instance.Ways, error) {
	if p == nil {
		return nil, nil
	}
	to := func(host, protocol string, port int) (access.Way, error) {
		w, err := l.cloud.WayTo(p, host, protocol, port)
		if err != nil {
			return w, fmt.Errorf("follow the instance's way: %w", err)
		}
		return w, nil
	}
	first, err := to("", "tcp", 443)
	if err != nil {
		return nil, err
	}
	w := &instance.Ways{NoNames: first.NoNames}
	s3, err := to("s3."+region+".amazonaws.com", "tcp", 443)
	if err != nil {
		return nil, err
	}
	if s3.Verdict == fact.Broken {
		notice(fmt.Sprintf("an instance in this VPC does not get its source bundle, nor anything else from S3: %s", s3.Says))
	}
	w.Name = func(host string, port uint16) bool {
		if _, s3 := aws.ServedS3(host, "/"); !s3 {
			return true // Elastic Beanstalk's own ways are not followed
		}
		way, err := to(host, "tcp", int(port))
		if err != nil {
			fmt.Fprintln(l.log, err)
			return true
		}
		return way.Verdict != fact.Broken
	}
	edges, err := l.cloud.Edges(p)
	if err != nil {
		return nil, err
	}
	for protocol, open := range map[string]*[]instance.Ports{"tcp": &w.TCP, "udp": &w.UDP} {
		for i, from := range edges[:len(edges)-1] {
			way, err := to("", protocol, from)
			if err != nil {
				return nil, err
			}
			if way.Verdict != fact.Broken {
				*open = append(*open, instance.Ports{From: uint16(from), To: uint16(edges[i+1] - 1)})
			}
		}
	}
	return w, nil
}
