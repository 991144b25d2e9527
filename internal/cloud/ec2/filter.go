package ec2

import (
	"slices"
	"strconv"

	"beanpole/internal/aws"
	"beanpole/internal/fact"
)

// filter is one of a request's filters: any of the values will do, and * and ?
// stand in them for other characters. [EC2: Using_Filtering]
type filter struct {
	name   string
	values []string
}

func filtersOf(r *request) (out []filter, err error) {
	for i := 1; r.Has("Filter." + strconv.Itoa(i) + ".Name"); i++ {
		at := "Filter." + strconv.Itoa(i)
		f := filter{r.Get(at + ".Name"), r.list(at + ".Value")}
		if len(f.values) == 0 {
			return nil, &aws.Error{Code: "InvalidParameterValue", Status: 400, Message: "The filter '" + f.name + "' has no values"}
		}
		out = append(out, f)
	}
	return out, nil
}

// passes tells whether a thing gets past all filters. The error names a filter
// that is not known: what it would leave out must not pass.
func (it *item) passes(filters []filter) (bool, error) {
	for _, f := range filters {
		have, known := it.attrs[f.name]
		if !known {
			return false, &aws.Error{Code: "InvalidParameterValue", Status: 400, Message: "The filter '" + f.name + "' is invalid"}
		}
		if !slices.ContainsFunc(have, func(v string) bool {
			return slices.ContainsFunc(f.values, func(p string) bool { return fact.Match(p, v) == fact.Holds })
		}) {
			return false, nil
		}
	}
	return true, nil
}
