using Xunit;

namespace Strata.Tests;

/// <summary>What tests of the files of large values do again and again.</summary>
internal static class ValueFilesFixture
{
    public static ValueFiles Open(ILogDisk disk, IEnumerable<ValueFileRecord>? inUse = null, DiskDurability durability = DiskDurability.Flush, StoreContext? context = null) =>
        Open(disk, new ValueFileOptions { Name = "test", Durability = durability }, inUse, context);

    public static ValueFiles Open(ILogDisk disk, ValueFileOptions options, IEnumerable<ValueFileRecord>? inUse = null, StoreContext? context = null)
    {
        var files = new ValueFiles(disk, options, context);
        files.Recover(inUse ?? []);
        return files;
    }

    public static byte[] Bytes(int length, int seed = 1)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public static ValuePiece Put(this ValueFiles files, byte[] bytes, long? expected = null, int step = int.MaxValue)
    {
        using ValueFileWriter writer = files.Create(expected ?? bytes.Length);
        for (int at = 0; at < bytes.Length; at += step)
        {
            writer.Write(bytes.AsSpan(at, Math.Min(step, bytes.Length - at)));
            if (bytes.Length - at <= step) break;
        }

        return writer.Finish();
    }

    public static byte[] Read(this ValueFiles files, ValueReference reference, long offset, long length)
    {
        Assert.True(files.TryOpen(reference, offset, length, out ValueReader? reader), "The value is not there.");
        using (reader)
        {
            byte[] bytes = new byte[length];
            reader.ReadAll(bytes);
            Assert.Equal(0, reader.Read(new byte[1]));
            return bytes;
        }
    }

    public static byte[] Read(this ValueFiles files, ValuePiece piece) => files.Read(ValueReference.Of(piece), 0, piece.Length);

    public static int ReadSome(this ValueReader reader, byte[] buffer) => reader.Read(buffer);

    public static ValueFileRecord Record(this ValuePiece piece) => new(piece.Id, piece.Length);

    public static string FileOf(ValuePiece piece) => ValueFile.NameOf(ValueFile.NumberOf(piece.Id));

    public static StorageException IsCorrupt(Action read)
    {
        StorageException e = Assert.Throws<StorageException>(read);
        Assert.Equal(StorageErrorKind.Corrupt, e.Kind);
        return e;
    }
}
