namespace Strata;

/// <summary>A change of a blob's bytes in a home, and what the index is to say of it.</summary>
/// <typeparam name="T">What the home answers.</typeparam>
internal sealed record HomeChange<T>
{
    /// <summary>The blob, which is held.</summary>
    public required BlobKey Key { get; init; }

    /// <summary>What the index says of it before.</summary>
    public required KeyState State { get; init; }

    /// <summary>What is written down of it where it takes more than one commit.</summary>
    public required PlacementChange Change { get; init; }

    /// <summary>Where it is made.</summary>
    public required HomeTier Home { get; init; }

    /// <summary>Its name, for messages.</summary>
    public required string Operation { get; init; }

    /// <summary>The version that the store has issued for it; none: the home stamps it, or the caller has.</summary>
    public BlobVersion Issued { get; init; }

    /// <summary>Makes it.</summary>
    public required Func<ValueTask<T>> Make { get; init; }

    /// <summary>The blob as the home tells of it then; null: the home changed nothing.</summary>
    public required Func<T, BlobInfo?> InfoOf { get; init; }

    /// <summary>The row of what the home holds then. No I/O.</summary>
    public required Func<BlobInfo, PlacedBlob> Place { get; init; }
}
