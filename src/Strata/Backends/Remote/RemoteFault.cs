namespace Strata;

/// <summary>What went wrong with one attempt.</summary>
/// <param name="Kind">What it is to the caller.</param>
/// <param name="What">As the predicate of a sentence about the store.</param>
/// <param name="IsTransient">True if the same request may succeed later.</param>
/// <param name="IsUnknown">True if the server may have done what was asked, or may yet do it.</param>
/// <param name="RetryAfter">The server's wish.</param>
/// <param name="IsWorthRetrying">False if later is not soon.</param>
/// <param name="IsLostRace">True for what Ceph says to a write under If-Match that lost against another one within the server, which it then did not make.</param>
internal readonly record struct RemoteFault(
    StorageErrorKind Kind, string What, bool IsTransient = false, bool IsUnknown = false, TimeSpan? RetryAfter = null, bool IsWorthRetrying = true,
    bool IsLostRace = false);
