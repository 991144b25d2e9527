package ebext

import (
	"strings"

	"beanpole/internal/lazyregexp"
)

// amazonLinux reads both ways in which a platform is named:
//
//	64bit Amazon Linux 2023 v4.6.0 running Go 1                (solution stack)
//	Go 1 running on 64bit Amazon Linux 2023                    (platform ARN)
//	32bit Amazon Linux running PHP 5.3                         (oldest)
var amazonLinux = lazyregexp.New(`^(?:(?P<branch>.+) running on )?(?:32|64)bit Amazon Linux(?: (?P<release>2023|2|20\d\d\.\d\d))?(?: v[0-9][0-9A-Za-z.]*)?(?: running (?P<stack>.+))?$`)

// ParsePlatform reads a solution stack's name or a platform's ARN. What it
// does not recognise (Windows, custom platforms) has Known unset.
func ParsePlatform(name string) Platform {
	p := Platform{Name: name}
	text := strings.TrimSpace(name)
	if _, path, ok := strings.Cut(text, ":platform/"); ok {
		text, _, _ = strings.Cut(path, "/") // the version follows
	}
	m := amazonLinux.FindStringSubmatch(text)
	if m == nil {
		return p
	}
	p.Branch = m[amazonLinux.SubexpIndex("branch")]
	if p.Branch == "" {
		p.Branch = m[amazonLinux.SubexpIndex("stack")]
	}
	p.Branch, _, _ = strings.Cut(p.Branch, "  ") // "64bit Amazon Linux … running X  (Generic)"
	switch m[amazonLinux.SubexpIndex("release")] {
	case "2023":
		p.Generation = AL2023
	case "2":
		p.Generation = AL2
	default:
		p.Generation = AL1
	}
	p.Known = true
	return p
}
