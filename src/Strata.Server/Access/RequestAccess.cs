namespace Strata.Server;

/// <summary>Who makes a request, and how its body is signed: handed on by <see cref="AccessGuard"/> alone.</summary>
/// <param name="Principal">Who.</param>
/// <param name="Chunks">Verifies the body as it passes; null if it has no signatures of its own.</param>
/// <param name="StillHolds">For answers without end: whether they would be let in now; null if nothing takes that away.</param>
internal sealed record RequestAccess(AccessPrincipal Principal, ChunkSignatures? Chunks = null, Func<bool>? StillHolds = null)
{
    /// <summary>By the data folder's token.</summary>
    public static RequestAccess Owner { get; } = new(AccessPrincipal.Owner);

    /// <summary>By a token of a KV database, which opens nothing else.</summary>
    public static RequestAccess Client { get; } = new(AccessPrincipal.Nobody);

    /// <summary>Of who was refused.</summary>
    public static RequestAccess Nobody { get; } = new(AccessPrincipal.Nobody);
}
