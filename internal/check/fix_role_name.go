package check

import (
	"fmt"

	"beanpole/internal/access"
	"beanpole/internal/account"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

const customNamespace = "aws:elasticbeanstalk:customoption"

// nameRole offers the ways to make roleName the role's name: both names the
// same, an option that carries the role's name, the name itself.
func nameRole(r *run, c *access.Chain) []finding.Fix {
	fixes := sameName(r, c)
	role := roleOfProfile(c)
	if role == nil {
		return fixes
	}
	if field := r.inTemplate(c.Fetch.Signer.Role.Pos); field != nil && role.Logical != "" {
		if f, ok := r.refersToRole(role, field); ok {
			return append([]finding.Fix{f}, fixes...)
		}
		return fixes
	}
	field := r.writtenAt(c.Fetch.Signer.Role.Pos)
	if field == nil {
		return fixes
	}
	if f, ok := r.customOption(role, field); ok {
		fixes = append(fixes, f)
	}
	if f, ok := r.literalName(role, field); ok {
		fixes = append(fixes, f)
	}
	return fixes
}

// roleOfProfile is the role that the instances get, nil when it is not known.
func roleOfProfile(c *access.Chain) *account.Role {
	p, found := c.World.Account.Profile(c.World.Profile.Text)
	if found != fact.Holds || len(p.Roles) != 1 {
		return nil
	}
	role, found := c.World.Account.Role(p.Roles[0])
	if found != fact.Holds {
		return nil
	}
	return role
}

const refPrice = "an update of the stack; instances read the metadata anew when cfn-init runs again, no role or profile gets a new name"

// refersToRole lets roleName in the user's own template refer to the role.
func (r *run) refersToRole(role *account.Role, field *source.Field) (finding.Fix, bool) {
	if r.in.Read == nil {
		return finding.Fix{}, false
	}
	data := r.in.Read(r.in.Template.File)
	if data == nil {
		return finding.Fix{}, false
	}
	e, ok := source.ReplaceValue(data, field, `{"Ref": `+source.Quote(role.Logical)+`}`)
	return finding.Fix{
		Name: "ref", Title: fmt.Sprintf("let roleName refer to role %s", role.Logical), Price: refPrice, Edits: []source.Edit{e},
	}, ok
}

// writtenAt is the entry of a configuration file whose value stands at a place.
func (r *run) writtenAt(at source.Pos) *source.Field {
	for _, f := range r.x.Files {
		if f.Name != at.File {
			continue
		}
		if key, value := fieldAt(f.Root, at); value != nil {
			return &source.Field{Key: key, Value: value}
		}
	}
	return nil
}

const customPrice = "an update of the environment with a new bundle; no resource is replaced, no role or profile " +
	"gets a new name, no further capability is needed; template and bundle must be deployed together"

// customOption passes the role's name in an option of the template's
// environment, which roleName reads. Custom options are readable from
// Resources, where roleName stands [EB:configuration-options-custom].
func (r *run) customOption(role *account.Role, field *source.Field) (finding.Fix, bool) {
	var none finding.Fix
	if r.in.Template == nil || r.in.Read == nil || role.Logical == "" || r.environmentID == "" {
		return none, false
	}
	properties := declared(r.in.Template, r.environmentID)
	data, own := r.in.Read(r.in.Template.File), r.in.Read(field.Key.Pos.File)
	if properties == nil || data == nil || own == nil {
		return none, false
	}
	name := r.freeOption(role.Logical + "Name")
	ref := "!Ref " + role.Logical
	if r.in.Template.Root.Style == source.JSON {
		ref = `{"Ref": "` + role.Logical + `"}`
	}
	set, err := source.InsertItem(data, properties.Get("OptionSettings"),
		[]string{"Namespace: " + customNamespace, "OptionName: " + name, "Value: " + ref})
	if err != nil {
		return none, false
	}
	read, ok := readsOption(own, field, name)
	if !ok {
		return none, false
	}
	return finding.Fix{
		Name: "custom-option", Price: customPrice, Edits: append([]source.Edit{set}, read...),
		Title: fmt.Sprintf("pass the role's name in option %s %s, and let roleName read it", customNamespace, name),
	}, true
}

// freeOption is a custom option that nothing sets.
func (r *run) freeOption(base string) string {
	for i := 1; ; i++ {
		name := base
		if i > 1 {
			name += fmt.Sprint(i)
		}
		if _, taken := r.settings.Get(customNamespace, name); !taken {
			return name
		}
	}
}

// readsOption lets an entry take its value from a custom option. A call that
// names another option gets new names and keeps the rest.
func readsOption(data []byte, field *source.Field, name string) ([]source.Edit, bool) {
	call := field.Value.Get("Fn::GetOptionSetting")
	namespace, option := call.Get("Namespace"), call.Get("OptionName")
	if namespace.IsScalar() && option.IsScalar() {
		return []source.Edit{source.ReplaceScalar(data, namespace, customNamespace), source.ReplaceScalar(data, option, name)}, true
	}
	text := `{"Fn::GetOptionSetting": {"Namespace": "` + customNamespace + `", "OptionName": "` + name + `"}}`
	e, ok := source.ReplaceValue(data, field, text)
	return []source.Edit{e}, ok
}

const literalPrice = "a new bundle; it works only while the role has this name, so another stack or another account needs another bundle"

// literalName writes the role's name into roleName.
func (r *run) literalName(role *account.Role, field *source.Field) (finding.Fix, bool) {
	if !fact.Known(role.Name) || r.in.Read == nil {
		return finding.Fix{}, false
	}
	data := r.in.Read(field.Key.Pos.File)
	if data == nil {
		return finding.Fix{}, false
	}
	e, ok := source.ReplaceValue(data, field, source.Quote(role.Name))
	return finding.Fix{
		Name: "literal", Title: fmt.Sprintf("write the role's name, %q, into roleName", role.Name), Price: literalPrice, Edits: []source.Edit{e},
	}, ok
}
