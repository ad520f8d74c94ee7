using System.Globalization;

namespace Strata;

/// <summary>Reads the files of large values, block by block, against what the log says of them.</summary>
internal sealed class ValueFileCheck(ReadOnlyDisk disk, Action<long>? progress)
{
    private readonly byte[] _buffer = new byte[1 << 20];

    /// <summary>Verifies one value's file, and copies it on demand.</summary>
    /// <param name="piece">What the log says of it.</param>
    /// <param name="target">Where it is copied to, damaged blocks as they are; null: nowhere.</param>
    /// <param name="damaged">Told of each damaged block: where it is, its length, and what is wrong.</param>
    /// <returns>False: there is no such file.</returns>
    /// <exception cref="IOException">A file cannot be read, or the copy cannot be written.</exception>
    public bool Read(ValuePiece piece, ILogFile? target, Action<long, long, string> damaged)
    {
        string name = ValueFile.NameOf(ValueFile.NumberOf(piece.Id));
        if (!disk.Exists(name)) return false;
        using ILogFile file = disk.Open(name);
        uint seed = ValueBlocks.SeedOf(piece.Id);
        for (int block = 0; block < piece.Blocks.Length; block++)
        {
            long at = (long)block << piece.Exponent, end = Math.Min(piece.Length, at + (1L << piece.Exponent));
            var sum = default(Crc32C);
            long read = Read(file, at, end, target, ref sum);
            if (read < end - at) damaged(at, end - at, string.Create(CultureInfo.InvariantCulture, $"the file ends at {at + read} of {piece.Length} bytes"));
            else if ((sum.Value ^ seed) != piece.Blocks[block]) damaged(at, end - at, "the block does not match its checksum");
        }

        return true;
    }

    private long Read(ILogFile file, long from, long end, ILogFile? target, ref Crc32C sum)
    {
        long at = from;
        while (at < end)
        {
            Span<byte> piece = _buffer.AsSpan(0, (int)Math.Min(_buffer.Length, end - at));
            piece = piece[..file.Read(at, piece)];
            if (piece.IsEmpty) break;
            sum.Append(piece);
            target?.Write(at, piece);
            at += piece.Length;
            progress?.Invoke(piece.Length);
        }

        return at - from;
    }
}
