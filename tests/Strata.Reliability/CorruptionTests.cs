using System.Text;

namespace Strata.Reliability;

/// <summary>Every byte of a small disk store, flipped and cut: detected, or provably unused; never a wrong value.</summary>
public sealed class CorruptionTests
{
    private static readonly BlobKey Small = BlobKey.Parse("a/small"), Large = BlobKey.Parse("a/large"), Composed = BlobKey.Parse("a/composed");
    private static readonly byte[] SmallBytes = Encoding.UTF8.GetBytes("thirty-two bytes of known marker");
    private static readonly byte[] ComposedBytes = [.. Enumerable.Range(0, 200).Select(i => (byte)(i * 17))];
    private static readonly byte[] LargeBytes = [.. Enumerable.Range(0, 300_000).Select(i => (byte)(i * 31))];

    [Fact]
    public async Task A_flipped_byte_is_an_error_or_a_miss_and_never_a_wrong_value()
    {
        using var folder = new TemporaryFolder();
        await FillAsync(folder.Path);
        foreach (string file in Directory.GetFiles(folder.Path, "*", SearchOption.AllDirectories).Where(f => new FileInfo(f).Length > 0))
        {
            byte[] whole = await File.ReadAllBytesAsync(file);

            // Of the large payload a sample; of everything else each byte.
            int step = whole.Length > 10_000 ? 4_999 : 1;
            for (int at = 0; at < whole.Length; at += at < 300_000 ? step : 1)
            {
                byte[] damaged = [.. whole];
                damaged[at] ^= 0x41;
                await File.WriteAllBytesAsync(file, damaged);
                await ExpectNothingWrongAsync(folder.Path, $"byte {at} of {Path.GetFileName(file)} was flipped");
            }

            await File.WriteAllBytesAsync(file, whole);
        }

        await ExpectWholeAsync(folder.Path);
    }

    [Fact]
    public async Task A_file_cut_at_any_length_is_an_error_or_a_miss_and_never_a_wrong_value()
    {
        using var folder = new TemporaryFolder();
        await FillAsync(folder.Path);
        foreach (string file in Directory.GetFiles(folder.Path, "*.blob", SearchOption.AllDirectories).Concat(Directory.GetFiles(folder.Path, "*.part", SearchOption.AllDirectories)))
        {
            byte[] whole = await File.ReadAllBytesAsync(file);
            int step = whole.Length > 10_000 ? 9_973 : 1;
            for (int length = 0; length < whole.Length; length += step)
            {
                await File.WriteAllBytesAsync(file, whole[..length]);
                await ExpectNothingWrongAsync(folder.Path, $"{Path.GetFileName(file)} was cut to {length} bytes");
            }

            await File.WriteAllBytesAsync(file, whole);
        }

        await ExpectWholeAsync(folder.Path);
    }

    [Fact]
    public async Task A_file_under_another_keys_name_is_not_served_as_that_key()
    {
        using var folder = new TemporaryFolder();
        await FillAsync(folder.Path);
        string[] files = [.. Directory.GetFiles(folder.Path, "*.blob", SearchOption.AllDirectories), .. Directory.GetFiles(folder.Path, "*.part", SearchOption.AllDirectories)];
        for (int i = 0; i < files.Length; i++)
        {
            for (int j = 0; j < i; j++)
            {
                byte[] first = await File.ReadAllBytesAsync(files[i]), second = await File.ReadAllBytesAsync(files[j]);
                await File.WriteAllBytesAsync(files[i], second);
                await File.WriteAllBytesAsync(files[j], first);
                await ExpectNothingWrongAsync(folder.Path, $"{Path.GetFileName(files[i])} and {Path.GetFileName(files[j])} were swapped");
                await File.WriteAllBytesAsync(files[i], first);
                await File.WriteAllBytesAsync(files[j], second);
            }
        }

        await ExpectWholeAsync(folder.Path);
    }

    private static async Task FillAsync(string folder)
    {
        await using DiskBlobStore store = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = folder });
        await store.PutBytesAsync(Small, SmallBytes, new WriteOptions { ContentType = "text/plain", Metadata = new Dictionary<string, string> { ["n"] = "v" } });
        await store.PutBytesAsync(Large, LargeBytes);
        Assert.True(store.TryGetFacet(out IMultipartUploads? uploads));
        MultipartUpload upload = await uploads.CreateAsync(Composed);
        var parts = new PartReference[2];
        for (int i = 0; i < parts.Length; i++)
        {
            await using IBlobWriter? writer = await uploads.OpenPartAsync(Composed, upload.Id, i + 1);
            await writer!.WriteAsync(ComposedBytes.AsMemory(i * 100, 100), CancellationToken.None);
            parts[i] = new PartReference(i + 1, (await writer.CommitAsync(null, CancellationToken.None)).Info!.ETag);
        }

        Assert.Equal(CompleteStatus.Completed, (await uploads.CompleteAsync(Composed, upload.Id, parts)).Status);
    }

    private static async Task ExpectNothingWrongAsync(string folder, string what)
    {
        await using DiskBlobStore store = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = folder, Durability = DiskDurability.OperatingSystem });
        foreach ((BlobKey key, byte[] expected) in new[] { (Small, SmallBytes), (Large, LargeBytes), (Composed, ComposedBytes) })
        {
            try
            {
                byte[]? read = await store.GetBytesAsync(key);
                Assert.True(read is null || read.AsSpan().SequenceEqual(expected), $"{what}, and '{key}' read back wrong");
                if (await store.StatAsync(key) is { } info) Assert.Equal(expected.Length, info.Length);
            }
            catch (StorageException e)
            {
                Assert.Equal(StorageErrorKind.Corrupt, e.Kind);
            }
        }
    }

    private static async Task ExpectWholeAsync(string folder)
    {
        await using DiskBlobStore store = await DiskBlobStore.OpenAsync(new DiskBlobStoreOptions { Path = folder });
        Assert.Equal(SmallBytes, await store.GetBytesAsync(Small));
        Assert.Equal(LargeBytes, await store.GetBytesAsync(Large));
        Assert.Equal(ComposedBytes, await store.GetBytesAsync(Composed));
    }
}
