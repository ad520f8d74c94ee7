namespace Strata;

/// <summary>The state of the keys of a watch, all of them as they are at one instant.</summary>
/// <param name="Entries">In the order of the keys watched; null where a key has no entry.</param>
public sealed record WatchUpdate(IReadOnlyList<KvEntry?> Entries);
