using System.Text;
using Xunit;

namespace Strata.Tests;

/// <summary>The promise of at most key + 32 bytes an entry: what an operator sizes a machine by.</summary>
public sealed class LogIndexMemoryTests
{
    private const int Keys = 60_000;

    [Theory]
    [InlineData("16 random bytes")]
    [InlineData("40 random bytes")]
    [InlineData("64 random bytes")]
    [InlineData("100 random bytes")]
    [InlineData("16 to 100 random bytes")]
    [InlineData("UUIDs of a collection")]
    [InlineData("numbers of a collection")]
    public void An_entry_takes_its_key_and_32_bytes_at_most(string shape)
    {
        byte[][] random = Make(shape), ascending = [.. random.Order(ByteOrder.Instance)];
        var figures = new StringBuilder($"{shape}, {random.Average(k => k.Length):F0} bytes a key: ");

        using (var index = new LogIndex(long.MaxValue))
        {
            Put(index, random);
            Check("random order", index, random);
            foreach (byte[] key in random.AsSpan(0, Keys / 2)) Assert.True(index.Remove(key, out _));
            Check("half of them deleted", index, random.AsSpan(Keys / 2));
            for (int i = 0; i < Keys / 2; i++)
            {
                Put(index, random.AsSpan(i, 1));
                Assert.True(index.Remove(random[(Keys / 2) + i], out _));
            }

            Check("replaced by others", index, random.AsSpan(0, Keys / 2));
            foreach (byte[] key in random.AsSpan(0, Keys / 5 * 2)) Assert.True(index.Remove(key, out _));
            Check("four fifths of those deleted", index, random.AsSpan(Keys / 5 * 2, Keys / 10));
        }

        CheckOrder("ascending", ascending);
        CheckOrder("descending", [.. ascending.Reverse()]);
        CheckOrder("eight ascending in turn", [.. Enumerable.Range(0, Keys).Select(i => ascending[(i % 8 * (Keys / 8)) + (i / 8)])]);
        CheckOrder("eight descending in turn", [.. Enumerable.Range(1, Keys).Select(i => ascending[Keys - 1 - (((i - 1) % 8 * (Keys / 8)) + ((i - 1) / 8))])]);
        using (var index = new LogIndex(long.MaxValue))
        {
            LogIndexLoader loader = index.Load();
            foreach (byte[] key in ascending) loader.Add(key, new LogLocation(1, 2, 3, LogEntryFlags.None));
            loader.Finish();
            Check("loaded", index, ascending);
            foreach (byte[] key in random.AsSpan(0, Keys / 3)) Assert.True(index.Remove(key, out _));
            Check("a third of those deleted", index, random.AsSpan(Keys / 3));
        }

        TestContext.Current.TestOutputHelper!.WriteLine(figures.ToString());

        void CheckOrder(string name, ReadOnlySpan<byte[]> keys)
        {
            using var index = new LogIndex(long.MaxValue);
            Put(index, keys);
            Check(name, index, keys);
        }

        void Check(string name, LogIndex index, ReadOnlySpan<byte[]> keys)
        {
            Assert.Equal(keys.Length, index.Count);
            long keyBytes = 0;
            foreach (byte[] key in keys) keyBytes += key.Length;
            double overhead = (double)(index.Bytes - keyBytes) / keys.Length;
            figures.Append(System.Globalization.CultureInfo.InvariantCulture, $"{name} {(double)index.Bytes / keys.Length:F1} ({overhead:+0.0;-0.0}), ");
            Assert.True(overhead <= 32, $"{shape}, {name}: an entry takes its key and {overhead:F1} bytes");
        }
    }

    [Fact]
    public void An_index_of_few_keys_is_small()
    {
        using var index = new LogIndex(long.MaxValue);
        index.TryPut("a"u8, new LogLocation(1, 2, 3, LogEntryFlags.None), out _);
        Assert.Equal(4_096, index.Bytes);
        Assert.Equal(4_096, index.HeldBytes);
    }

    private static void Put(LogIndex index, ReadOnlySpan<byte[]> keys)
    {
        foreach (byte[] key in keys) Assert.True(index.TryPut(key, new LogLocation(1, 2, 3, LogEntryFlags.None), out _));
    }

    private static byte[][] Make(string shape)
    {
        var random = new Random(1);
        byte[][] keys = [.. Enumerable.Range(0, Keys).Select(i => shape switch
        {
            "UUIDs of a collection" => Encoding.UTF8.GetBytes($"\u0001users/{new Guid(Bytes(random, 16))}"),
            "numbers of a collection" => Encoding.UTF8.GetBytes($"\u0001orders/{i * 3L:D16}"),
            "16 to 100 random bytes" => Bytes(random, random.Next(16, 101)),
            _ => Bytes(random, int.Parse(shape[..shape.IndexOf(' ', StringComparison.Ordinal)], System.Globalization.CultureInfo.InvariantCulture)),
        })];
        random.Shuffle(keys);
        return keys;
    }

    private static byte[] Bytes(Random random, int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }
}
