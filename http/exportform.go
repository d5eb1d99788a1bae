package http

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
	"strings"

	"github.com/quantaseal/quantaseal/domain"
	"github.com/quantaseal/quantaseal/eventstore"
)

// The forms of an export beside the bundle, with their media types.
var exportTypes = map[string]string{
	"bundle": "application/x-ndjson",
	"csv":    "text/csv; charset=utf-8",
	"json":   "application/json",
	"ndjson": "application/x-ndjson",
	"ocsf":   "application/x-ndjson",
}

// form writes facts in one of the forms.
type form interface {
	fact(r eventstore.Recorded) error
	end() error
}

// formOf returns what writes facts to w. The format is one of exportTypes, but no bundle.
func formOf(format string, w io.Writer) form {
	switch format {
	case "csv":
		return newTable(w)
	case "json":
		return &array{to: w}
	case "ocsf":
		return &objects{json.NewEncoder(w), func(r eventstore.Recorded) any { return ocsfOf(r) }}
	default:
		return &objects{json.NewEncoder(w), func(r eventstore.Recorded) any { return auditProofOf(r) }}
	}
}

// objects writes a line for each fact.
type objects struct {
	to     *json.Encoder
	object func(eventstore.Recorded) any
}

func (o *objects) fact(r eventstore.Recorded) error { return o.to.Encode(o.object(r)) }
func (o *objects) end() error                       { return nil }

// array writes one list, an entry a line.
type array struct {
	to    io.Writer
	begun bool
}

func (a *array) fact(r eventstore.Recorded) error {
	line, err := json.Marshal(auditProofOf(r))
	if err != nil {
		return err
	}
	before := ",\n"
	if !a.begun {
		before, a.begun = "[\n", true
	}
	_, err = a.to.Write(append([]byte(before), line...))
	return err
}

func (a *array) end() error {
	last := "\n]\n"
	if !a.begun {
		last = "[]\n"
	}
	_, err := io.WriteString(a.to, last)
	return err
}

// columns are those of the table, in their order.
var columns = []string{
	"seq", "timestamp", "event_type", "action", "outcome", "actor_type", "actor_id", "resource_type", "resource_id",
	"ip_address", "user_agent", "request_id", "id", "metadata", "prev_hash", "current_hash", "key_id",
}

// table writes RFC 4180.
type table struct{ to *csv.Writer }

func newTable(w io.Writer) *table {
	t := &table{csv.NewWriter(w)}
	t.to.UseCRLF = true
	_ = t.to.Write(columns) // an error is kept for Flush
	return t
}

func (t *table) fact(r eventstore.Recorded) error {
	e := auditEntryOf(r, false)
	at, err := e.Timestamp.MarshalJSON()
	if err != nil {
		return err
	}
	row := []string{
		strconv.FormatUint(e.Seq, 10), strings.Trim(string(at), `"`), e.EventType, e.Action, e.Outcome, e.ActorType, e.ActorID, e.ResourceType, e.ResourceID,
		r.Origin.IP, r.Origin.UserAgent, e.RequestID, e.ID.String(), string(e.Metadata), e.PrevHash, e.CurrentHash, e.KeyID,
	}
	for i := range row {
		row[i] = harmless(row[i])
	}
	return t.to.Write(row)
}

func (t *table) end() error {
	t.to.Flush()
	return t.to.Error()
}

// harmless returns a cell that no spreadsheet takes for a formula: whoever calls the
// API chooses its User-Agent, and somebody else opens the table.
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n|%", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

// ocsf is a fact as the Open Cybersecurity Schema Framework 1.3 has it: an API
// Activity, or an Authentication.
type ocsf struct {
	ActivityID  int          `json:"activity_id"`
	CategoryUID int          `json:"category_uid"`
	ClassUID    int          `json:"class_uid"`
	TypeUID     int          `json:"type_uid"`
	Time        int64        `json:"time"` // milliseconds
	SeverityID  int          `json:"severity_id"`
	StatusID    int          `json:"status_id"`
	Metadata    ocsfMetadata `json:"metadata"`
	Actor       ocsfActor    `json:"actor"`
	User        *ocsfThing   `json:"user,omitempty"` // of an Authentication
	API         ocsfAPI      `json:"api"`
	SrcEndpoint ocsfEndpoint `json:"src_endpoint"`
	Resources   []ocsfThing  `json:"resources"`
	Unmapped    ocsfUnmapped `json:"unmapped"`
}

type (
	ocsfMetadata struct {
		Version  string      `json:"version"`
		UID      domain.ID   `json:"uid"`
		Sequence uint64      `json:"sequence"`
		Code     string      `json:"event_code"`
		Product  ocsfProduct `json:"product"`
	}
	ocsfProduct struct {
		Name   string `json:"name"`
		Vendor string `json:"vendor_name"`
	}
	ocsfActor struct {
		User ocsfThing `json:"user"`
	}
	ocsfThing struct {
		UID  string `json:"uid"`
		Type string `json:"type"`
	}
	ocsfAPI struct {
		Operation string    `json:"operation"`
		Request   ocsfThing `json:"request"`
	}
	ocsfEndpoint struct {
		IP string `json:"ip,omitempty"`
	}
	ocsfUnmapped struct {
		PrevHash  string          `json:"prev_hash"`
		Hash      string          `json:"current_hash"`
		Header    []byte          `json:"header"`
		Payload   json.RawMessage `json:"payload"`
		Signature []byte          `json:"signature"`
	}
)

// Classes, categories and activities of OCSF.
const (
	ocsfVersion        = "1.3.0"
	ocsfAuthentication = 3002 // category 3: identity and access
	ocsfAPIActivity    = 6003 // category 6: application activity
	ocsfOther          = 99
)

// activities are what the last word of an action is in OCSF's API Activity.
var activities = map[string]int{
	"seal": 1, "create": 1, "register": 1, "encrypt": 1, "sign": 1, "invite": 1,
	"unseal": 2, "list": 2, "read": 2, "decrypt": 2, "verify": 2, "export": 2, "score": 2,
	"rotate": 3, "update": 3, "write": 3, "restore": 3, "role": 3,
	"delete": 4, "shred": 4, "revoke": 4, "retire": 4, "erase": 4, "deactivate": 4,
}

func ocsfOf(r eventstore.Recorded) ocsf {
	e := auditEntryOf(r, true)
	o := ocsf{
		ClassUID: ocsfAPIActivity, Time: int64(r.Header.TimeUS / 1000), SeverityID: 1, StatusID: 1,
		Metadata: ocsfMetadata{ocsfVersion, e.ID, e.Seq, e.EventType, ocsfProduct{"QuantaSeal", "QuantaSeal"}},
		Actor:    ocsfActor{ocsfThing{e.ActorID, e.ActorType}},
		API:      ocsfAPI{e.Action, ocsfThing{UID: e.RequestID, Type: "request"}}, SrcEndpoint: ocsfEndpoint{r.Origin.IP},
		Resources: []ocsfThing{{e.ResourceID, e.ResourceType}},
		Unmapped:  ocsfUnmapped{e.PrevHash, e.CurrentHash, e.Header, e.Metadata, e.Signature},
	}
	if domain.Outcome(r.Header.Outcome) != domain.Success {
		o.StatusID, o.SeverityID = 2, 2
	}
	verb := e.Action[strings.LastIndexByte(e.Action, '.')+1:]
	switch e.Action {
	case "auth.login":
		o.ClassUID, o.ActivityID, o.User = ocsfAuthentication, 1, &o.Actor.User
	case "auth.logout":
		o.ClassUID, o.ActivityID, o.User = ocsfAuthentication, 2, &o.Actor.User
	default:
		if o.ActivityID = activities[verb]; o.ActivityID == 0 {
			o.ActivityID = ocsfOther
		}
	}
	o.CategoryUID, o.TypeUID = o.ClassUID/1000, o.ClassUID*100+o.ActivityID
	return o
}
