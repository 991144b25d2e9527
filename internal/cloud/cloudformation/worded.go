package cloudformation

import "beanpole/internal/source"

// worded is metadata as CloudFormation keeps it: numbers and truth values are
// texts there, so that an instance gets "true" for true and "420" for a mode
// 0644 without quotes. (inferred: aws-cfn-bootstrap's util.py reads "true" for
// true, and says that of CloudFormation; New Relic's .ebextensions have env
// hold true, which no program could be given)
func worded(n *source.Node) *source.Node {
	n = n.Clone()
	word(n)
	return n
}

func word(n *source.Node) {
	if n == nil {
		return
	}
	if n.IsScalar() && n.Kind != source.String && n.Kind != source.Null {
		n.Text, n.Kind = string(n.JSON()), source.String
	}
	for _, it := range n.Items {
		word(it)
	}
	for _, f := range n.Fields {
		word(f.Value)
	}
}
