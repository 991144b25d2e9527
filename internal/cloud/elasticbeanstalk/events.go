package elasticbeanstalk

import (
	"context"
	"slices"

	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beanpole/internal/cloud/door"
	"beanpole/internal/event"
)

// severities in rising order: a filter lets its own and higher ones through.
var severities = []event.Severity{event.Trace, event.Debug, event.Info, event.Warn, event.Error, event.Fatal}

// DescribeEvents lists events, newest first.
func (s *Service) DescribeEvents(_ context.Context, in *eb.DescribeEventsInput) (*eb.DescribeEventsOutput, error) {
	list := []types.EventDescription{}
	all := s.log.Since(0)
	slices.Reverse(all)
	for _, e := range all {
		if !wanted(in, &e) {
			continue
		}
		at := e.Time
		list = append(list, types.EventDescription{
			EventDate: &at, Severity: types.EventSeverity(e.Severity), Message: door.Given(e.Message), ApplicationName: door.Given(e.Application),
			EnvironmentName: door.Given(e.Environment), VersionLabel: door.Given(e.VersionLabel), PlatformArn: door.Given(e.Platform), RequestId: door.Given(e.RequestID),
		})
	}
	out := &eb.DescribeEventsOutput{}
	var err error
	out.Events, out.NextToken, err = page(list, in.MaxRecords, in.NextToken)
	return out, err
}

func wanted(in *eb.DescribeEventsInput, e *event.Event) bool {
	same := func(filter *string, value string) bool { return filter == nil || *filter == value }
	switch {
	case !same(in.ApplicationName, e.Application), !same(in.EnvironmentName, e.Environment), !same(in.EnvironmentId, e.EnvironmentID),
		!same(in.VersionLabel, e.VersionLabel), !same(in.RequestId, e.RequestID), !same(in.PlatformArn, e.Platform), in.TemplateName != nil,
		in.StartTime != nil && e.Time.Before(*in.StartTime),
		in.EndTime != nil && !e.Time.Before(*in.EndTime):
		return false
	}
	return in.Severity == "" || slices.Index(severities, e.Severity) >= slices.Index(severities, event.Severity(in.Severity))
}
