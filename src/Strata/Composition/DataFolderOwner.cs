namespace Strata;

/// <summary>The process that owns a data folder.</summary>
/// <param name="Address">Where it serves the folder; null if it does not.</param>
/// <param name="InstanceId">Its random identity.</param>
/// <param name="Token">The bearer token for its server. A secret.</param>
/// <param name="ProtocolVersion">The version of the protocol between command line and server.</param>
/// <param name="ProcessId">Its process id.</param>
public sealed record DataFolderOwner(Uri? Address, string InstanceId, string Token, int ProtocolVersion, int ProcessId)
{
    /// <summary>Without the token.</summary>
    public override string ToString() => $"process {ProcessId}{(Address is null ? "" : $" at {Address}")}";
}
