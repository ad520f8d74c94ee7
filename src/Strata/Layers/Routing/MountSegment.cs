namespace Strata;

/// <summary>A range of keys, in their order, that one store takes.</summary>
/// <param name="From">Where it begins, itself included.</param>
/// <param name="Until">Where it ends, itself excluded; null: with the last key.</param>
/// <param name="Mount">Whose keys they are; null: nobody's.</param>
internal readonly record struct MountSegment(string From, string? Until, MountedStore? Mount)
{
    /// <summary>Whether the range goes on behind a text.</summary>
    public bool EndsBehind(string text) => Until is null || BlobKey.CompareText(Until, text) > 0;

    /// <summary>
    /// A text before another one with next to no keys between the two: where to begin in a store that begins behind a text. Null: at
    /// the very first.
    /// </summary>
    public static string? JustBefore(string text)
    {
        if (System.Text.Rune.DecodeLastFromUtf16(text, out System.Text.Rune last, out int length) != System.Buffers.OperationStatus.Done) return null;
        string head = text[..^length];
        int previous = last.Value == 0xE000 ? 0xD7FF : last.Value - 1;
        if (previous > 0 && !System.Text.Rune.IsControl(new System.Text.Rune(previous))) return $"{head}{new System.Text.Rune(previous)}\U0010FFFF";
        return head.Length == 0 ? null : head;
    }
}
