# Make the queues, the two custom fields, the people, their rights and their tokens in a fresh Request Tracker.
# RT shows a token's text only when it is made, so it is printed here, as NAME=value lines for rt.py.
# The agent's rights are those of docs/desks/request-tracker.md: what works here works for a council that follows it.
use strict;
use warnings;
use RT;

RT::LoadConfig();
RT::Init();
my $system = RT->SystemUser;

sub must {
    my ( $what, $ok, $message ) = @_;
    die "$what: " . ( $message // 'refused' ) . "\n" unless $ok;
    return $ok;
}

my @queues;
for my $name ( split /,/, $ENV{TESTBED_QUEUES} ) {
    my $queue = RT::Queue->new($system);
    must( "queue $name", $queue->Create( Name => $name ) );
    push @queues, $queue;
}

for my $name ( 'Ridgeway Incident', 'Ridgeway Cause' ) {
    my $field = RT::CustomField->new($system);
    must( "field $name",
        $field->Create( Name => $name, TypeComposite => 'Freeform-1', LookupType => RT::Ticket->CustomFieldLookupType ) );
    must( "apply $name", $field->AddToObject( RT::Queue->new($system) ) );
}

my @agent = qw(SeeQueue ShowTicket ShowTicketComments CreateTicket CommentOnTicket ModifyTicket SeeCustomField SetInitialCustomField);
my %people = ( ridgeway => \@agent, analyst => [ @agent, 'DeleteTicket', 'OwnTicket' ], onlooker => [ 'SeeQueue', 'ShowTicket', 'SeeCustomField' ] );
for my $name ( sort keys %people ) {
    my $user = RT::User->new($system);
    must( "user $name", $user->Create( Name => $name, EmailAddress => "$name\@desk.example", Privileged => 1 ) );
    for my $queue (@queues) {
        must( "right $_ of $name", $user->PrincipalObj->GrantRight( Right => $_, Object => $queue ) ) for @{ $people{$name} };
    }
    must( "token right of $name", $user->PrincipalObj->GrantRight( Right => 'ManageAuthTokens', Object => RT->System ) );
    my ( $ok, $message, $token ) = RT::AuthToken->new($system)->Create( Owner => $user->Id, Description => 'tests' );
    must( "token of $name", $ok, $message );
    print "$name=$token\n";
}

# Nothing is mailed; RT's own notifications would only add transactions to every ticket.
my $scrips = RT::Scrips->new($system);
$scrips->UnLimit;
while ( my $scrip = $scrips->Next ) {
    $scrip->SetDisabled(1) if ( $scrip->ActionObj->Name // '' ) =~ /Notify|Autoreply/;
}
