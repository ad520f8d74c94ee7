namespace Strata;

/// <summary>A range of keys, in their order, that one store takes.</summary>
/// <param name="From">Where it begins, itself included.</param>
/// <param name="Until">Where it ends, itself excluded; null: with the last key.</param>
/// <param name="Mount">Whose keys they are; null: nobody's.</param>
internal readonly record struct MountSegment(string From, string? Until, MountedStore? Mount)
{
    /// <summary>Whether the range goes on behind a text.</summary>
    public bool EndsBehind(string text) => Until is null || BlobKey.CompareText(Until, text) > 0;
}
