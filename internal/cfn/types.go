// Package cfn reads a CloudFormation template and evaluates it: parameters,
// functions, conditions, physical names, and values that are not known yet,
// which stay unknown with a name and never become an empty text.
package cfn

import (
	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// Template is a parsed template.
type Template struct {
	File       string
	Root       *source.Node
	Parameters []*Parameter
	Resources  []*Declared // in file order
}

// Parameter is one declared parameter.
type Parameter struct {
	Name    string
	Type    string
	Default *source.Node // nil when there is none
	NoEcho  bool
	Pos     source.Pos
	Node    *source.Node
}

// Declared is a resource as the template declares it, functions unresolved.
type Declared struct {
	LogicalID string
	Type      string
	Node      *source.Node // the whole entry
	DependsOn []string     // explicit ones
	Pos       source.Pos   // of the logical ID
}

// Env supplies what a template's functions refer to.
type Env struct {
	StackName, StackID   string
	Region, AccountID    string // may be unknown texts (package fact)
	Partition, URLSuffix string // "aws", "amazonaws.com"
	Parameters           map[string]string
	NotificationARNs     []string
	// Ref is the physical ID of a resource; ok is false when it does not exist
	// yet. Nil means: make generated names up (prediction).
	Ref func(logicalID string) (id string, ok bool)
	// GetAtt is an attribute of a resource that exists.
	GetAtt func(logicalID, attribute string) (value string, ok bool)
	// Import is the value of another stack's export.
	Import func(name string) (value string, ok bool)
	// Zones are a region's availability zones; none when they are not known.
	Zones func(region string) []string
}

// Resource is a declared resource with its properties resolved.
type Resource struct {
	LogicalID  string
	Type       string
	PhysicalID string       // what Ref gives; may hold a generated part
	Properties *source.Node // resolved, every value with its place and origin
	Metadata   *source.Node // resolved
	Creation   *source.Node // CreationPolicy, resolved
	DependsOn  []string     // explicit and implied, sorted
	Declared   *Declared
	Pos        source.Pos
	// Created is Unknown when the resource has a condition of which the truth
	// is not known, else it holds: what is not created is not in a Stack.
	Created fact.Verdict
}

// Stack is an evaluated template.
type Stack struct {
	Resources []*Resource // in the order in which they can be created
	Outputs   []Output
	// Notes are values that could not be worked out, for people.
	Notes []*source.Problem
}

// Output is one resolved output.
type Output struct {
	Name, Description, ExportName string
	Value                         *source.Node
}

// Resource finds a resource by logical ID, nil when there is none.
func (s *Stack) Resource(logicalID string) *Resource {
	for _, r := range s.Resources {
		if r.LogicalID == logicalID {
			return r
		}
	}
	return nil
}
