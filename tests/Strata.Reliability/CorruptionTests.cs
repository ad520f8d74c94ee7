using System.Text;
using Strata.Tests;

namespace Strata.Reliability;

/// <summary>
/// Every byte of a small disk store, flipped; every file cut, and swapped with every other: detected, or provably unused,
/// or a reported cut of what was not yet known to be durable. Never a wrong value, and no value lost in silence.
/// </summary>
public sealed class CorruptionTests(ITestOutputHelper output) : IDisposable
{
    private static readonly BlobKey Small = BlobKey.Parse("a/small"), Medium = BlobKey.Parse("a/medium"), Large = BlobKey.Parse("a/large"), Composed = BlobKey.Parse("a/composed");
    private static readonly byte[] SmallBytes = Encoding.UTF8.GetBytes("thirty-two bytes of known marker");
    private static readonly byte[] MediumBytes = [.. Enumerable.Range(0, 50_000).Select(i => (byte)(i * 31))];
    private static readonly byte[] LargeBytes = [.. Enumerable.Range(0, 1_200_000).Select(i => (byte)(i * 37))];
    private static readonly byte[] ComposedBytes = [.. Enumerable.Range(0, 200).Select(i => (byte)(i * 17))];
    private readonly TemporaryFolder _folder = new();
    private readonly WarningCounter _log = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_flipped_byte_is_an_error_or_a_reported_miss_and_never_a_wrong_value(bool isClosed)
    {
        SimulatedDisk disk = await FillAsync(isClosed);
        int flips = 0;
        foreach (string file in disk.Names)
        {
            long used = UsedBytes(disk, file), length = disk.LengthOf(file);
            for (long at = 0; at < length; at += StepAt(file, at, used))
            {
                SimulatedDisk damaged = disk.Kill();
                damaged.Flip(file, at, 0x41);
                await ExpectNothingWrongAsync(damaged, $"byte {at} of {file} was flipped");
                flips++;
            }
        }

        output.WriteLine($"{flips} flips");
        await ExpectWholeAsync(disk);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_file_cut_at_any_length_is_an_error_or_a_reported_miss_and_never_a_wrong_value(bool isClosed)
    {
        SimulatedDisk disk = await FillAsync(isClosed);
        foreach (string file in disk.Names)
        {
            byte[] whole = disk.BytesOf(file);
            int step = whole.Length < 5_000 ? LongForm.Of(1, 7) : LongForm.Of(499, 9_973);
            for (int length = 0; length < whole.Length; length += step)
            {
                SimulatedDisk damaged = disk.Kill();
                damaged.Replace(file, whole[..length]);
                await ExpectNothingWrongAsync(damaged, $"{file} was cut to {length} bytes");
            }
        }

        await ExpectWholeAsync(disk);
    }

    [Fact]
    public async Task A_file_under_another_ones_name_is_not_taken_for_that()
    {
        SimulatedDisk disk = await FillAsync(isClosed: true);
        string[] files = [.. disk.Names];
        for (int i = 0; i < files.Length; i++)
        {
            for (int j = 0; j < i; j++)
            {
                SimulatedDisk damaged = disk.Kill();
                damaged.Replace(files[i], disk.BytesOf(files[j]));
                damaged.Replace(files[j], disk.BytesOf(files[i]));
                await ExpectNothingWrongAsync(damaged, $"{files[i]} and {files[j]} were swapped");
            }
        }

        await ExpectWholeAsync(disk);
    }

    [Fact]
    public async Task A_file_that_is_lost_is_an_error_or_a_reported_miss_and_never_a_wrong_value()
    {
        foreach (bool isClosed in (bool[])[true, false])
        {
            SimulatedDisk disk = await FillAsync(isClosed);
            foreach (string file in disk.Names)
            {
                SimulatedDisk damaged = disk.Kill();
                damaged.Delete(file);

                // A segment that nothing names is as if it had never been: its blobs are missing, which no store of one folder can tell.
                await ExpectNothingWrongAsync(damaged, $"{file} was lost", mayBeSilent: file.EndsWith(".seg", StringComparison.Ordinal));
            }
        }
    }

    /// <summary>Up to where a file means something.</summary>
    private static long UsedBytes(SimulatedDisk disk, string file)
    {
        byte[] bytes = disk.BytesOf(file);
        return Path.GetFileName(file).StartsWith("spare", StringComparison.Ordinal) ? 0 : bytes.AsSpan().LastIndexOfAnyExcept((byte)0) + 1;
    }

    private static long StepAt(string file, long at, long used)
    {
        // Of long payloads and of what is unused a sample; of everything else each byte.
        bool isPayload = file.EndsWith(".val", StringComparison.Ordinal) && used > 10_000;
        bool isMedium = file.EndsWith(".seg", StringComparison.Ordinal) && at is > 6_000 and < 50_000;
        return at >= used ? 49_999 : isPayload ? LongForm.Of(997, 49_999) : isMedium ? LongForm.Of(97, 4_999) : at is > 64 and < 4_096 && !isPayload ? LongForm.Of(13, 97) : LongForm.Of(1, 5);
    }

    private async Task<SimulatedDisk> FillAsync(bool isClosed)
    {
        var disk = new SimulatedDisk();
        DiskBlobStore store = await OpenAsync(disk);
        await store.PutBytesAsync(Small, SmallBytes, new WriteOptions { ContentType = "text/plain", Metadata = new Dictionary<string, string> { ["n"] = "v" } });
        await store.PutBytesAsync(Medium, MediumBytes);
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
        SimulatedDisk killed = disk.Kill();
        await store.DisposeAsync();
        return isClosed ? disk : killed;
    }

    private async Task ExpectNothingWrongAsync(SimulatedDisk disk, string what, bool mayBeSilent = false)
    {
        int before = _log.Warnings;
        DiskBlobStore store;
        try
        {
            store = await OpenAsync(disk);
        }
        catch (StorageException e)
        {
            Assert.True(e.Kind is StorageErrorKind.Corrupt or StorageErrorKind.Unsupported, $"{what}: {e}");
            return;
        }

        await using (store)
        {
            foreach ((BlobKey key, byte[] expected) in new[] { (Small, SmallBytes), (Medium, MediumBytes), (Large, LargeBytes), (Composed, ComposedBytes) })
            {
                try
                {
                    byte[]? read = await store.GetBytesAsync(key);
                    Assert.True(read is null || read.AsSpan().SequenceEqual(expected), $"{what}, and '{key}' read back wrong");
                    Assert.True(read is not null || mayBeSilent || _log.Warnings > before, $"{what}, and '{key}' is missing without a word");
                    if (await store.StatAsync(key) is { } info) Assert.Equal(expected.Length, info.Length);
                }
                catch (StorageException e)
                {
                    Assert.True(e.Kind == StorageErrorKind.Corrupt, $"{what}: {e}");
                }
            }
        }
    }

    private async Task ExpectWholeAsync(SimulatedDisk disk)
    {
        await using DiskBlobStore store = await OpenAsync(disk);
        Assert.Equal(SmallBytes, await store.GetBytesAsync(Small));
        Assert.Equal(MediumBytes, await store.GetBytesAsync(Medium));
        Assert.Equal(LargeBytes, await store.GetBytesAsync(Large));
        Assert.Equal(ComposedBytes, await store.GetBytesAsync(Composed));
    }

    private ValueTask<DiskBlobStore> OpenAsync(SimulatedDisk disk) => DiskBlobStore.OpenAsync(
        new DiskBlobStoreOptions { Path = _folder.Path, Disk = disk, SegmentBytes = 128 << 10 },
        StoreContext.Default with { Loggers = _log });
}
