namespace Strata;

/// <summary>A store that takes all keys of a prefix within a <see cref="RoutedBlobStore"/>.</summary>
public sealed record StoreMount
{
    /// <summary>
    /// The keys that go there begin with this text (ordinal), unless a longer mount takes them; empty for all that no other takes. End it with
    /// <c>/</c> to take a folder: <c>photo</c> takes <c>photos/1</c> as well.
    /// </summary>
    public required string Prefix { get; init; }

    /// <summary>The store. It is given whole keys, prefix and all, so that it can be opened by itself, or mounted elsewhere, and is the same.</summary>
    public required IBlobStore Store { get; init; }

    /// <summary>For messages and statistics.</summary>
    public override string ToString() => Prefix.Length == 0 ? "the root mount" : $"mount '{Prefix}'";

    /// <exception cref="ArgumentException">No key can begin with the prefix.</exception>
    internal void Check()
    {
        ArgumentNullException.ThrowIfNull(Prefix);
        ArgumentNullException.ThrowIfNull(Store);
        if (!BlobKey.TryParse(Prefix + "x", out _, out string? error)) throw new ArgumentException($"No key can begin with the mount's prefix '{Prefix}'. {error}");
    }
}
