package topology

// State is what the settings about the active member make of a pair, as it can be
// read back from a member.
type State struct {
	Active   string // one of the Active words
	Failover bool   // --failover now
	Promoted bool   // by a token
	Token    string // that of the member, where it is the promoted one
}

// State returns the state for which a member is rendered.
func (p Pair) State(m Member) State {
	return State{p.Active, p.Failover, p.Step == PromotePrimary || p.Step == PromoteReplica, m.Token}
}

// String gives the settings.
func (s State) String() string {
	text := "--active " + s.Active
	if s.Promoted {
		text += " --promotion-token"
		if len(s.Token) > 8 {
			text += " …" + s.Token[len(s.Token)-8:]
		}
	}
	if s.Failover {
		text += " --failover now"
	}
	return text
}

// MayFollow tells whether a pair may go from one state to another in one step: the
// active member changes in a failover only, or when nobody was active before, by a
// token.
func (s State) MayFollow(before State) bool {
	return s.Active == before.Active || s.Active == ActiveNone || s.Failover ||
		before.Active == ActiveNone && s.Promoted
}
