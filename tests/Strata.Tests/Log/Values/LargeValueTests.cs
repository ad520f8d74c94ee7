using Xunit;

namespace Strata.Tests;

/// <summary>A value of any size in constant memory. With <c>STRATA_LONG=1</c> it has 10 GiB.</summary>
public sealed class LargeValueTests : IDisposable
{
    private static readonly long Length = Environment.GetEnvironmentVariable("STRATA_LONG") == "1" ? 10L << 30 : 320L << 20;
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_value_of_any_length_is_written_and_read_in_constant_memory()
    {
        const long Bound = 4 << 20;
        await using ValueFiles files = ValueFilesFixture.Open(new SystemDisk(_folder.Path));
        byte[] run = ValueFilesFixture.Bytes(1 << 20);
        long before = GC.GetAllocatedBytesForCurrentThread();
        ValuePiece piece = Write(files, run);
        long written = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Equal(Length + 5, piece.Length);
        Assert.True(written < Bound, $"Writing {Length} bytes has allocated {written}.");

        before = GC.GetAllocatedBytesForCurrentThread();
        uint checksum = Read(files, piece, run);
        long read = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Equal(piece.Checksum, checksum);
        Assert.True(read < Bound, $"Reading {Length} bytes has allocated {read}.");
    }

    private static ValuePiece Write(ValueFiles files, byte[] run)
    {
        using ValueFileWriter writer = files.Create(null);
        for (long at = 0; at < Length; at += run.Length)
        {
            run[0] = (byte)(at >> 20);
            writer.Write(run);
        }

        writer.Write(run.AsSpan(0, 5));
        return writer.Finish();
    }

    private static uint Read(ValueFiles files, ValuePiece piece, byte[] buffer)
    {
        Assert.True(files.TryOpen(ValueReference.Of(piece), 0, piece.Length, out ValueReader? reader));
        using (reader)
        {
            var sum = default(Crc32C);
            while (reader.Read(buffer) is > 0 and int count) sum.Append(buffer.AsSpan(0, count));
            return sum.Value;
        }
    }
}
