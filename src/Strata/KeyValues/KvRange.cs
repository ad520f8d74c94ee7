namespace Strata;

/// <summary>What was read of a range.</summary>
/// <param name="Entries">In the order of their keys; falling if it was read in reverse. As many as the limit if there may be more.</param>
public sealed record KvRange(IReadOnlyList<KvEntry> Entries);
