package source

// Problem is a user's mistake that keeps a file from being read. It is an
// error so that readers can return it; the command line shows it as one line.
type Problem struct {
	Pos    Pos
	End    Pos    // behind the words that it is about; the zero Pos when unknown
	What   string // what is wrong, lower case
	Remedy string // what to do, may be empty
	// Snake is what SnakeYAML says of a YAML file, with which Elastic Beanstalk
	// reads .ebextensions; "" when it has no word for it.
	Snake string
	// Edits mend the file: with them it can be read. Nil: no mechanical edit
	// surely does.
	Edits []Edit
	// limit: the file is longer than beanpole reads, whatever its syntax.
	limit bool
}

func (p *Problem) Error() string {
	s := p.What
	if at := p.Pos.String(); at != "" {
		s = at + ": " + s
	}
	if p.Remedy != "" {
		s += "; " + p.Remedy
	}
	return s
}
