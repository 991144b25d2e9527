// Package ebext reads `.ebextensions` in Elastic Beanstalk's order: which
// files are read at all, option settings and their precedence, the
// environment's CloudFormation template, and one cfn-init config per file.
package ebext

import "beanpole/internal/source"

// Level is where an option setting was made; higher levels win.
type Level uint8

const (
	Default     Level    = iota // the service's default
	Extension                   // .ebextensions; later file names win
	Saved                       // saved configuration
	Direct                      // given to the API, or in a template's OptionSettings
	Recommended = Direct        // values the console and the EB CLI send count as direct
)

// Setting is one option setting.
type Setting struct {
	Namespace string
	Option    string
	Value     *source.Node // scalar; may hold parts that are not known
	Level     Level
	Pos       source.Pos // of the whole setting
	// NamespaceNode and OptionNode are the names as written, with their places;
	// nil when the setting stands in no file.
	NamespaceNode, OptionNode *source.Node
}

// Settings are all settings made, in the order in which they were read.
type Settings []Setting

// File is one configuration file.
type File struct {
	Name string // bundle-relative, ".ebextensions/https.config"
	Root *source.Node
	// Index is the file's place among the files in order, from 0; it stands in
	// the names of its cfn-init configs.
	Index int
	// Skipped is the unknown top-level key that makes AWS skip the whole file
	// with nothing but a warning; nil when the file counts [EB:customize-containers-ec2].
	Skipped *source.Node
}

// Extensions are all configuration files of a bundle.
type Extensions struct {
	Files    []*File
	Settings Settings
	// Structured are settings whose value is a mapping: a document
	// (ConfigDocument), or a function that Elastic Beanstalk takes as it stands.
	Structured Settings
	// Problems keep a file from being read; AWS refuses the whole version.
	Problems []*source.Problem
	// Notes are entries that AWS cannot take as they stand, for people.
	Notes []*source.Problem
}

// Platform is what matters here of a solution stack's or platform's name.
type Platform struct {
	Name       string // as given
	Generation Generation
	Branch     string // "Go 1", "Node.js 20", "" when not recognised
	Known      bool
}

// Generation is the Amazon Linux generation that a platform stands on.
type Generation string

const (
	AL1    Generation = "AL1"
	AL2    Generation = "AL2"
	AL2023 Generation = "AL2023"
)
