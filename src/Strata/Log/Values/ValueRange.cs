namespace Strata;

/// <summary>What a read wants of one file.</summary>
/// <param name="Id">The file.</param>
/// <param name="Start">Where the file's first byte is in the value.</param>
/// <param name="FileLength">Bytes of the value in the file.</param>
/// <param name="From">The first byte wanted, in the file.</param>
/// <param name="End">Behind the last.</param>
/// <param name="Exponent">A block has 2 to the power of this bytes.</param>
/// <param name="FirstBlock">The first block that the range touches.</param>
/// <param name="Blocks">Checksums, with the file's seed, of the blocks that it touches.</param>
internal sealed record ValueRange(ulong Id, long Start, long FileLength, long From, long End, int Exponent, int FirstBlock, uint[] Blocks)
{
    /// <summary>Bytes of a block of the file, the last of which may be shorter.</summary>
    public int LengthOf(long block) => (int)Math.Min(1L << Exponent, FileLength - (block << Exponent));
}
