using System.Collections.Immutable;

namespace Strata.Reliability;

/// <summary>An upload under way as a test knows it.</summary>
/// <param name="Operation">Which operation began it; its metadata say so.</param>
/// <param name="Key">Where the blob will be.</param>
/// <param name="Parts">What has come, by number.</param>
internal sealed record StoredUpload(string Operation, string Key, ImmutableSortedDictionary<int, StoredPart> Parts)
{
    /// <summary>Set once its beginning is acknowledged.</summary>
    public string? Id { get; set; }

    /// <summary>Whether this, which was found, is the other.</summary>
    public bool Is(StoredUpload other) =>
        (Operation, Key) == (other.Operation, other.Key)
        && (other.Id is null || Id == other.Id)
        && Parts.Count == other.Parts.Count
        && Parts.All(p => other.Parts.TryGetValue(p.Key, out StoredPart? part) && p.Value.Is(part));

    public override string ToString() => $"an upload of '{Key}' with the parts {string.Join(", ", Parts.Select(p => $"{p.Key}: {p.Value.Length} bytes"))}";
}
