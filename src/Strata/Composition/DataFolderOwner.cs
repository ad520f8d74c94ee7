namespace Strata;

/// <summary>The process that owns a data folder.</summary>
/// <param name="Address">Where it serves the folder; null if it does not.</param>
/// <param name="InstanceId">Its random identity.</param>
/// <param name="Token">The bearer token for its server. A secret.</param>
/// <param name="ProtocolVersion">The version of the protocol between command line and server.</param>
/// <param name="ProcessId">Its process id.</param>
public sealed record DataFolderOwner(Uri? Address, string InstanceId, string Token, int ProtocolVersion, int ProcessId)
{
    /// <summary>
    /// The SHA-256, as 64 lower-case hex digits, of each certificate by which its server may be known, whoever has signed
    /// them; none if it does not use TLS.
    /// </summary>
    public IReadOnlyList<string> Certificates { get; init; } = [];

    /// <summary>Without the token.</summary>
    public override string ToString() => $"process {ProcessId}{(Address is null ? "" : $" at {Address}")}";
}
