namespace Strata;

/// <summary>A value, or one of the parts that it is composed of, in a file of its own.</summary>
/// <param name="Id">The file; never used for another value.</param>
/// <param name="Length">Bytes of the value in it, from its first.</param>
/// <param name="Checksum">CRC-32C of them, without a seed.</param>
/// <param name="Exponent">A block has 2 to the power of this bytes; the last may be shorter.</param>
/// <param name="Blocks">CRC-32C of each block, combined with <see cref="ValueBlocks.SeedOf"/> the file.</param>
internal sealed record ValuePiece(ulong Id, long Length, uint Checksum, int Exponent, uint[] Blocks)
{
    /// <summary>The same with blocks of twice the length.</summary>
    public ValuePiece WithLargerBlocks()
    {
        uint seed = ValueBlocks.SeedOf(Id);
        uint[] blocks = [.. Blocks.Select(block => block ^ seed)];
        ValueBlocks.Halve(blocks, Length, Exponent);
        return this with { Exponent = Exponent + 1, Blocks = [.. blocks.Take(ValueBlocks.CountOf(Length, Exponent + 1)).Select(block => block ^ seed)] };
    }
}
