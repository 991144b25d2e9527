package cfninit

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"

	"beanpole/internal/source"
)

// ErrNothingKept: there is no run that could go on.
var ErrNothingKept = errors.New("cannot resume from previous session; no metadata stored")

// deque is how the agent writes a queue down [cb:construction.py].
const deque = "_deque: special_serialization: not_regular_json_"

// Resume goes on where the last run ended, by an error or with the machine:
// with the configs and configSets that were left to do. As with AWS's agent,
// what that run was about is not done again. [cb:construction.py]
func (r *Runner) Resume(ctx context.Context) (*Result, error) {
	data, mode, err := r.ReadOwnFile(resumePath, largestState)
	if errors.Is(err, unix.ENOENT) {
		return &Result{}, ErrNothingKept
	}
	if err != nil {
		return &Result{}, err
	}
	if mode&0o022 != 0 {
		return &Result{}, errors.New(resumePath + " can be written by others than its owner; it is not carried out")
	}
	kept, err := source.ParseJSON(resumePath, data)
	metadata := kept.Get("metadata")
	if err != nil || metadata == nil {
		return &Result{}, ErrNothingKept
	}
	r.debug("Starting resume")
	sets := []string{}
	if left := kept.Get("configSets").Get(deque); left != nil {
		for _, n := range left.Items {
			sets = append(sets, format(n))
		}
	}
	p, err := NewPlan(metadata, sets)
	if p == nil {
		return &Result{}, err
	}
	if configs := p.left(kept.Get("configs").Get(deque), metadata); len(configs) > 0 {
		p.Sets = append([]Set{{Name: resumed, Configs: configs}}, p.Sets...)
		sets = append([]string{resumed}, sets...)
	}
	if len(p.Sets) == 0 {
		r.Say("nothing was left to do")
		return &Result{}, nil
	}
	return r.run(ctx, p, sets, metadata)
}

const (
	largestState = 64 << 20      // bytes
	resumed      = "(continued)" // stands for the configSet that was being run
)

// left are the configs of the set that was being run, as the metadata has them.
func (p *Plan) left(queue, metadata *source.Node) []*Config {
	if queue == nil {
		return nil
	}
	var out []*Config
	for _, item := range queue.Items {
		name := item.Get("_ConfigDefinition: special_serialization: not_regular_json_").Get("_name")
		if name == nil {
			continue
		}
		if n := metadata.Get(initKey).Get(name.Text); n != nil && n.Kind == source.Map {
			out = append(out, p.config(configRef{name: name.Text, node: n}))
		}
	}
	return out
}
