package account

import "strings"

// Gone notes that a thing is known not to exist, though the account is not
// complete: AWS was asked about it by name.
func (a *Account) Gone(kind, name string) {
	if a.gone == nil {
		a.gone = map[[2]string]bool{}
	}
	a.gone[thing(kind, name)] = true
}

func (a *Account) isGone(kind, name string) bool { return a.gone[thing(kind, name)] }

// Unread notes what would settle a thing that could not be read: a permission.
func (a *Account) Unread(kind, name, settles string) {
	if a.unread == nil {
		a.unread = map[[2]string]string{}
	}
	if k := thing(kind, name); a.unread[k] == "" {
		a.unread[k] = settles
	}
}

// Settles says what would tell of a thing, "" when it was not tried.
func (a *Account) Settles(kind, name string) string { return a.unread[thing(kind, name)] }

// Take takes over what another account knows to be gone or could not read.
func (a *Account) Take(from *Account) {
	for k := range from.gone {
		a.Gone(k[0], k[1])
	}
	for k, v := range from.unread {
		a.Unread(k[0], k[1], v)
	}
}

// thing is a key: IAM's names differ by more than letter case, and an ARN
// stands for the name at its end.
func thing(kind, name string) [2]string {
	if kind == "role" || kind == "instance profile" {
		if strings.HasPrefix(name, "arn:") {
			name = name[strings.LastIndexByte(name, '/')+1:]
		}
		name = strings.ToLower(name)
	}
	return [2]string{kind, name}
}
