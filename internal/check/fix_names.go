package check

import (
	"fmt"
	"strings"
	"unicode"

	"beanpole/internal/access"
	"beanpole/internal/account"
	"beanpole/internal/cfn"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

// longestRoleName is IAM's limit; a profile's name may have 128 characters
// [CFN:aws-resource-iam-role].
const longestRoleName = 64

// naming is a role and its profile, declared in one template, that are to get
// the same name.
type naming struct {
	t             *cfn.Template
	data          []byte
	role, profile *source.Node // their Properties
	roleID        string
	followed      bool // the option refers to the profile, whatever its name
	stack         string
}

// sameName offers to give role and profile one name in the template.
func sameName(r *run, c *access.Chain) []finding.Fix {
	if r.in.Template == nil || r.in.Read == nil || namesARN(c) {
		return nil
	}
	p, found := c.World.Account.Profile(c.World.Profile.Text)
	if found != fact.Holds || p.Logical == "" || len(p.Roles) != 1 {
		return nil
	}
	role, found := c.World.Account.Role(p.Roles[0])
	if found != fact.Holds || role.Logical == "" {
		return nil
	}
	n := &naming{
		t: r.in.Template, data: r.in.Read(r.in.Template.File), roleID: role.Logical,
		role: declared(r.in.Template, role.Logical), profile: declared(r.in.Template, p.Logical),
		followed: refersTo(c.World.Profile, p),
	}
	if r.in.Env != nil {
		n.stack = r.in.Env.StackName
	}
	if n.data == nil || n.role == nil || n.profile == nil {
		return nil
	}
	return n.fixes()
}

// declared are the Properties of a resource as written.
func declared(t *cfn.Template, logicalID string) *source.Node {
	for _, d := range t.Resources {
		if d.LogicalID == logicalID {
			if p := d.Node.Get("Properties"); p != nil && p.Kind == source.Map {
				return p
			}
		}
	}
	return nil
}

// refersTo tells whether the option's value was taken from the profile.
func refersTo(option *source.Node, p *account.Profile) bool {
	for _, o := range option.From {
		if o.Pos == p.Pos {
			return true
		}
	}
	return false
}

func (n *naming) fixes() []finding.Fix {
	roleName, profileName := n.role.Get("RoleName"), n.profile.Get("InstanceProfileName")
	var edits []source.Edit
	var title string
	var err error
	switch {
	case roleName == nil && profileName == nil:
		edits, title, err = n.parameter()
	case profileName == nil && n.followed:
		edits, err = n.copyName(n.profile, "InstanceProfileName", roleName)
		title = "give the instance profile the role's name"
	case roleName == nil:
		edits, err = n.copyName(n.role, "RoleName", profileName)
		title = "give the role the instance profile's name"
	case profileName != nil && n.followed:
		edits, err = n.replace(profileName, roleName)
		title = "give the instance profile the role's name"
	case profileName != nil:
		edits, err = n.replace(roleName, profileName)
		title = "give the role the instance profile's name"
	default:
		return nil
	}
	if err != nil || edits == nil {
		return nil
	}
	return []finding.Fix{{Name: "same-name", Title: title, Price: price, Edits: edits}}
}

const price = "CloudFormation replaces what gets a new name, and wants the capability CAPABILITY_NAMED_IAM; " +
	"a name is taken only once in an account, so a second stack from this template needs another; " +
	"policies outside this template that name the old role or profile must name the new one"

// parameter names both by a new parameter.
func (n *naming) parameter() ([]source.Edit, string, error) {
	name := n.freeParameter()
	value := kebab(n.roleID)
	if n.stack != "" && fact.Known(n.stack) {
		value = n.stack + "-" + value
	}
	if len(value) > longestRoleName {
		value = strings.Trim(value[:longestRoleName], "-")
	}
	parameters := n.t.Root.Get("Parameters")
	lines := []string{"Type: String", "Description: one name for the role and its instance profile", "Default: " + value}
	into, key := parameters, name
	if parameters == nil {
		into, key = n.t.Root, "Parameters"
		for i := range lines {
			lines[i] = "  " + lines[i]
		}
		lines = append([]string{name + ":"}, lines...)
	}
	ref := "!Ref " + name
	if n.t.Root.Style == source.JSON {
		ref = `{"Ref": "` + name + `"}`
	}
	// The parameter comes last: where all three end up in one place, the inner
	// ones must stand first.
	var edits []source.Edit
	for _, add := range []func() (source.Edit, error){
		func() (source.Edit, error) { return source.InsertField(n.data, n.role, "RoleName", ref) },
		func() (source.Edit, error) {
			return source.InsertField(n.data, n.profile, "InstanceProfileName", ref)
		},
		func() (source.Edit, error) { return source.InsertBlock(n.data, into, key, lines) },
	} {
		e, err := add()
		if err != nil {
			return nil, "", err
		}
		edits = append(edits, e)
	}
	title := fmt.Sprintf("name role and instance profile the same, by parameter %s (default %q)", name, value)
	return edits, title, nil
}

// freeParameter is a name that neither a parameter nor a resource has.
func (n *naming) freeParameter() string {
	base := n.roleID + "Name"
	for i := 1; ; i++ {
		name := base
		if i > 1 {
			name += fmt.Sprint(i)
		}
		if n.t.Root.At("Parameters", name) == nil && n.t.Root.At("Resources", name) == nil {
			return name
		}
	}
}

// copyName writes the value of name under key as well.
func (n *naming) copyName(into *source.Node, key string, name *source.Node) ([]source.Edit, error) {
	text, ok := written(n.data, name)
	if !ok || key == "RoleName" && name.Tag == "" && len(name.TextOr("")) > longestRoleName {
		return nil, nil
	}
	e, err := source.InsertField(n.data, into, key, text)
	return []source.Edit{e}, err
}

// replace writes the value of name over that of old.
func (n *naming) replace(old, name *source.Node) ([]source.Edit, error) {
	text, ok := written(n.data, name)
	_, fits := written(n.data, old)
	if !ok || !fits || name.Tag == "" && len(name.TextOr("")) > longestRoleName {
		return nil, nil
	}
	return []source.Edit{{File: n.t.File, Start: old.Pos.Offset, End: old.End.Offset, New: text}}, nil
}

// written is the source text of a value that stands on one line; ok is false
// for anything longer.
func written(data []byte, n *source.Node) (string, bool) {
	if n == nil || n.End.Line != n.Pos.Line || n.End.Offset > len(data) || n.Pos.Offset >= n.End.Offset {
		return "", false
	}
	return string(data[n.Pos.Offset:n.End.Offset]), true
}

// kebab is a logical ID as a name: "EC2InstanceRole" is "ec2-instance-role".
func kebab(id string) string {
	var b strings.Builder
	rs := []rune(id)
	for i, r := range rs {
		begins := unicode.IsUpper(r) && i > 0 &&
			(!unicode.IsUpper(rs[i-1]) || i+1 < len(rs) && unicode.IsLower(rs[i+1]))
		if begins {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
