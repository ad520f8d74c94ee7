namespace Strata;

/// <summary>A page of the server's listing.</summary>
/// <param name="Entries">In order.</param>
/// <param name="IsTruncated">True if the server says that there is more.</param>
internal readonly record struct RemotePage(IReadOnlyList<RemoteListed> Entries, bool IsTruncated);
