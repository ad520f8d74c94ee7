using System.CommandLine;

namespace Strata.Cli;

/// <summary><c>strata access</c>: its commands.</summary>
internal sealed class AccessCommand : Command, IExplained
{
    public AccessCommand()
        : base("access", "Make, list and revoke the access keys that S3 requests are signed with.")
    {
        Add(new AccessCreateCommand());
        Add(new AccessListCommand());
        Add(new AccessRevokeCommand());
    }

    public IReadOnlyList<string> Examples { get; } =
        ["strata access create --admin", "strata access create --allow read,list:main/photos/ write:main/inbox/", "strata access list", "strata access revoke STRATA2VUIY2BTVEE4XK"];

    public string Notes =>
        """
        Without any key nobody is asked for credentials, and the server listens on this machine alone. The first key changes
        both for good. A server that runs takes every change at once.
        """;
}
