using System.Security.Cryptography;

namespace Strata.Reliability;

/// <summary>An object far larger than the server's memory, in parts.</summary>
public sealed class LargeUploadTests(ITestOutputHelper output)
{
    private const int PartBytes = 64 << 20, AtOnce = 3;
    private const long MostServerMemory = 300L << 20;

    [Fact]
    public async Task An_object_of_many_gigabytes_goes_in_by_parts_and_comes_out_whole_while_the_server_stays_under_300_MB()
    {
        using var folder = new TemporaryFolder();
        using ServeProcess server = await ServeProcess.StartAsync(folder.Path);
        using var client = new S3Uploads(server.Address);
        int parts = (int)(LongForm.Of(10L << 30, 2L << 30) / PartBytes);
        string id = await client.CreateAsync("large");
        var etags = new string[parts];
        await Parallel.ForAsync(0, parts, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (i, _) =>
        {
            byte[] part = Part(i);
            etags[i] = await client.PutPartAsync("large", id, i + 1, part);
            Assert.Equal(Convert.ToHexStringLower(MD5.HashData(part)), etags[i]);
        });
        string etag = await client.CompleteAsync("large", id, etags.Select((e, i) => (i + 1, e)));
        Assert.Equal($"{Convert.ToHexStringLower(MD5.HashData(etags.SelectMany(Convert.FromHexString).ToArray()))}-{parts}", etag);

        await using Stream stream = await client.OpenAsync("large");
        byte[] read = new byte[PartBytes];
        for (int i = 0; i < parts; i++)
        {
            await stream.ReadExactlyAsync(read);
            Assert.True(read.AsSpan().SequenceEqual(Part(i)), $"part {i + 1} of {parts} did not come back as it went in");
        }

        Assert.Equal(0, await stream.ReadAsync(read));
        long peak = server.PeakMemory();
        output.WriteLine($"{(long)parts * PartBytes >> 20} MiB; the server's peak resident memory: {peak >> 20} MiB");
        Assert.True(peak < MostServerMemory, $"the server needed {peak >> 20} MiB; it must stay under {MostServerMemory >> 20}");
    }

    /// <summary>Each part differs from all others.</summary>
    private static byte[] Part(int index)
    {
        byte[] part = new byte[PartBytes];
        for (int at = 0; at < PartBytes; at += 1 << 20) new Random((index << 8) + (at >> 20)).NextBytes(part.AsSpan(at, 4096));
        return part;
    }
}
