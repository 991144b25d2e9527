// Package cfninit is AWS::CloudFormation::Init as aws-cfn-bootstrap does it:
// Plan says what would be done, in which order, and who signs; Run carries the
// same plan out. `check` reads the plan, the agent on the instance runs it.
//
// The behaviour is that of aws-cfn-bootstrap 1.4 as recorded from the real
// program; two weaknesses are not copied, and Result.Notes says so when one
// matters: credentials never go to a foreign host, and a path never leaves the
// instance's root.
package cfninit

import (
	"beanpole/internal/access"
	"beanpole/internal/source"
)

// Plan is everything that cfn-init would do for the chosen configSets.
type Plan struct {
	Sets    []Set
	Auth    []*Block // Authentication blocks that are usable, in file order
	Dropped []Dropped
	// Ends is the error with which the build ends after Sets, nil when there
	// is none: an unknown configSet behind known ones.
	Ends *BuildError
}

// Set is one configSet with its configs in order.
type Set struct {
	Name    string
	Configs []*Config
}

// Config is one config; its steps stand in the order in which they run:
// packages, groups, users, sources, files, commands, services.
type Config struct {
	Name  string
	Steps []Step
	node  *source.Node // as read
}

// Step is one thing done. Exactly one of the pointers is set.
type Step struct {
	Packages *Packages
	Source   *Source
	File     *File
	Command  *Command
	Services *Services
	// Other is a section that the plan does not take apart, or one whose value
	// is not known.
	Other *Other
	// Fault is the error with which the build ends here.
	Fault *BuildError
}

// section is the part of the config that the step is of, "" for a fault.
func (s *Step) section() string {
	switch {
	case s.Packages != nil:
		return "packages"
	case s.Source != nil:
		return "sources"
	case s.File != nil:
		return "files"
	case s.Command != nil:
		return "commands"
	case s.Services != nil:
		return "services"
	case s.Other != nil:
		return s.Other.Section
	}
	return ""
}

// Source is one entry of `sources`: an archive that is unpacked into a
// directory. It names no authentication: only a block that lists the bucket or
// the host signs its fetch. [cb:sources_tool.py]
type Source struct {
	Dir   string
	From  string        // the archive: a URL or a path, as the agent gets it
	At    source.Pos    // of the archive's place in the user's file
	Pos   source.Pos    // of the directory
	Fetch *access.Fetch // nil: the agent takes From for a file on the instance
}

// File is one entry of `files`.
type File struct {
	Path  string
	Entry *source.Node  // its attributes, as read
	Pos   source.Pos    // of the path in the user's file
	Fetch *access.Fetch // nil when the content is inline
}

// Command is one entry of `commands`.
type Command struct {
	Name  string
	Entry *source.Node
	Pos   source.Pos
}

// Other is a section that the plan does not take apart: groups and users,
// which the agent carries out, and one whose value is not known here.
type Other struct {
	Section string // "groups", …
	Node    *source.Node
}

// Block is one usable entry of AWS::CloudFormation::Authentication.
type Block struct {
	Name                          string
	Kind                          access.SignerKind
	Pos                           source.Pos
	Role                          *source.Node
	Buckets                       []string
	URIs                          []string
	KeyID, Secret, User, Password string
	KeyIDType, SecretType         string // of keys that are no text, see access.Signer
	// Unsure says why it is not known whether and how the block signs.
	Unsure string
}

// Dropped is a block that cfn-init ignores, with the warning that it logs.
type Dropped struct {
	Name    string
	Warning string
	Pos     source.Pos
}

// BuildError ends a build. Its text is what stands behind "Error occurred
// during build: " on the instance [cb:bin/cfn-init].
type BuildError struct {
	Text string
	// Foreseen tells an error of cfn-init's own from one of its interpreter:
	// only the former is logged with the config's name [cb:construction.py].
	Foreseen bool
	// NoInit: there is nothing to do; cfn-init prints the text alone, with
	// " for RESOURCE." behind it, and exits 0 [cb:bin/cfn-init].
	NoInit bool
	// Early: cfn-init ends before a build begins, and logs nothing; the text
	// stands alone, and the exit status is 1.
	Early bool
	// Config is the config that was being built, "" when none was.
	Config string
	// Pos is what the error is about, where that is known, and Means says it
	// for people: the interpreter's own word seldom does.
	Pos   source.Pos
	Means string
}

func (e *BuildError) Error() string { return e.Text }

// Sources are all entries of `sources` of the plan, in order.
func (p *Plan) Sources() []*Source {
	var out []*Source
	for _, s := range p.Sets {
		for _, c := range s.Configs {
			for _, st := range c.Steps {
				if st.Source != nil {
					out = append(out, st.Source)
				}
			}
		}
	}
	return out
}

// Fetches are all fetches of the plan, in order.
func (p *Plan) Fetches() []*access.Fetch {
	var out []*access.Fetch
	for _, s := range p.Sets {
		for _, c := range s.Configs {
			for _, st := range c.Steps {
				switch {
				case st.Source != nil && st.Source.Fetch != nil:
					out = append(out, st.Source.Fetch)
				case st.File != nil && st.File.Fetch != nil:
					out = append(out, st.File.Fetch)
				}
			}
		}
	}
	return out
}
