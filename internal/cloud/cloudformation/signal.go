package cloudformation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"beanpole/internal/aws"
	"beanpole/internal/cloud/door"
)

// signal is one signal that came.
type signal struct {
	Status, Reason, Data string
	ID                   string `json:"UniqueId"`
}

const success, failure = "SUCCESS", "FAILURE"

// mailbox is where a resource's or a handle's signals come in.
type mailbox struct {
	signals []signal      // the first of each ID, in the order in which they came
	news    chan struct{} // closed at the next one
	waits   bool          // something waits for them now
}

// box is the mailbox of a resource or handle. The caller holds mu.
func (s *Service) box(stackID, logicalID string) *mailbox {
	key := stackID + "/" + logicalID
	if s.boxes[key] == nil {
		s.boxes[key] = &mailbox{news: make(chan struct{})}
	}
	return s.boxes[key]
}

// put takes a signal; one of an ID that has signaled before is a repetition.
func (b *mailbox) put(sig signal) (fresh bool) {
	for _, had := range b.signals {
		if had.ID == sig.ID {
			return false
		}
	}
	b.signals = append(b.signals, sig)
	close(b.news)
	b.news = make(chan struct{})
	return true
}

// signalRow lets an instance signal resources of its own stack, as cfn-signal
// does with the instance's identity document.
func (s *Service) signalRow() door.Row {
	row := op("SignalResource", stackOf(s, func(in *cloudformation.SignalResourceInput) *string { return in.StackName }), s.SignalResource)
	return door.ForInstance(row, func(_ context.Context, in *cloudformation.SignalResourceInput, id string) bool {
		return s.belongs(id, door.Value(in.StackName))
	})
}

// SignalResource brings a signal to a resource with a creation policy.
func (s *Service) SignalResource(_ context.Context, in *cloudformation.SignalResourceInput) (*cloudformation.SignalResourceOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.existing(in.StackName)
	if err != nil {
		return nil, err
	}
	r := st.resource(door.Value(in.LogicalResourceId))
	switch {
	case r == nil:
		return nil, invalid("Resource %s does not exist for stack %s", door.Value(in.LogicalResourceId), st.Name)
	case in.Status != success && in.Status != failure:
		return nil, invalid("1 validation error detected: Value '%s' at 'status' failed to satisfy constraint: Member must satisfy enum value set: [SUCCESS, FAILURE]", in.Status)
	}
	b := s.box(st.ID, r.LogicalID)
	if !b.waits || r.Type == "AWS::CloudFormation::WaitConditionHandle" {
		return nil, invalid("Resource %s is in %s state and cannot be signaled", r.LogicalID, r.Status)
	}
	sig := signal{Status: string(in.Status), ID: door.Value(in.UniqueId)}
	if b.put(sig) && (sig.Status == success || manyInstances[r.Type]) {
		note := *r
		note.Status, note.Reason = types.ResourceStatusCreateInProgress, fmt.Sprintf("Received %s signal with UniqueId %s", sig.Status, sig.ID)
		err = s.record(st, &note)
	}
	return nil, err
}

// handleInput is a signal that was put to a handle's address.
type handleInput struct {
	bucket, key string
	body        []byte
}

// maxSignal is the longest signal to a handle, in bytes
// [CFN:using-cfn-waitcondition: Data is at most 4,096].
const maxSignal = 16 << 10

// HandleRow is what an address of a wait condition's handle leads to. On AWS
// it is an object in a bucket of CloudFormation's own.
func (s *Service) HandleRow() door.Row {
	return door.RestOp("s3", "PutWaitConditionSignal", "s3:PutObject", door.Wire[handleInput, struct{}]{
		Match: func(x *door.Request) bool {
			return x.Method == http.MethodPut && x.Key != "" && strings.HasPrefix(x.Bucket, handleBucket)
		},
		Decode: func(x *door.Request) (*handleInput, error) {
			body, err := io.ReadAll(io.LimitReader(x.Body, maxSignal+1))
			if err != nil {
				return nil, &aws.Error{Code: "IncompleteBody", Status: 400, Message: "The request body ended before it was complete"}
			}
			return &handleInput{x.Bucket, x.Key, body}, nil
		},
		Encode: func(x *door.Request, _ *struct{}) error {
			x.Begin()
			x.W.WriteHeader(http.StatusOK)
			return nil
		},
	}, func(_ context.Context, in *handleInput) []door.Ask {
		return []door.Ask{{Action: "s3:PutObject", Resource: "arn:aws:s3:::" + in.bucket + "/" + in.key}}
	}, s.signalHandle).ForAnySigner()
}

// handleBucket begins the name of CloudFormation's own bucket in each region
// [CFN:aws-resource-cloudformation-waitconditionhandle].
const handleBucket = "cloudformation-waitcondition-"

// signalHandle brings a signal to a handle. S3 takes whatever is put there;
// what is no signal is read by nobody, so here it is refused with the reason.
func (s *Service) signalHandle(ctx context.Context, in *handleInput) (*struct{}, error) {
	if door.CallerOf(ctx).KeyID != s.state.OwnKey().KeyID {
		return nil, aws.NewError("AccessDenied")
	}
	sig, err := readSignal(in.body)
	if err != nil {
		return nil, &aws.Error{Code: "InvalidRequest", Status: 400, Message: "beanpole: this is no signal to a wait condition: " + err.Error()}
	}
	cut := strings.LastIndex(in.key, "/")
	if cut < 0 {
		return nil, aws.NewError("AccessDenied")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	stackID, logicalID := in.key[:cut], in.key[cut+1:]
	if st := s.stacks[stackID]; st == nil || st.resource(logicalID) == nil {
		return nil, aws.NewError("AccessDenied")
	}
	s.box(stackID, logicalID).put(sig)
	return nil, nil
}

// readSignal reads {"Status", "Reason", "UniqueId", "Data"}
// [CFN:using-cfn-waitcondition, the signal's JSON format].
func readSignal(body []byte) (sig signal, err error) {
	if len(body) > maxSignal {
		return sig, fmt.Errorf("it has more than %d bytes", maxSignal)
	}
	if err := json.Unmarshal(body, &sig); err != nil {
		return sig, errors.New("it is not JSON with texts in Status, UniqueId, Reason and Data")
	}
	switch {
	case sig.Status != success && sig.Status != failure:
		return sig, errors.New("its Status is neither SUCCESS nor FAILURE")
	case sig.ID == "":
		return sig, errors.New("it has no UniqueId")
	}
	return sig, nil
}
