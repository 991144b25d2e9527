package source

// Problem is a user's mistake that keeps a file from being read. It is an
// error so that readers can return it; the command line shows it as one line.
type Problem struct {
	Pos    Pos
	What   string // what is wrong, lower case
	Remedy string // what to do, may be empty
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
