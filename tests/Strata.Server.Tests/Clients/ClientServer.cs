using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>
/// A server with one access key, and a folder in which client programs find what they need: their files, a home of their
/// own and nothing of the machine's user.
/// </summary>
public sealed class ClientServer : IAsyncLifetime
{
    /// <summary>More than four parts of 5 MiB, and no multiple of anything.</summary>
    public const int LargeLength = (24 << 20) + 12_345;

    /// <summary>The shortest part that S3 takes, which the clients are told to use.</summary>
    public const int PartLength = 5 << 20;

    public const string KeyId = "AKIASTRATACLIENTTEST";

    /// <summary>With the characters of real secrets that are easily mangled.</summary>
    public const string Secret = "s3cret/of+The=clients/0123456789abcdefgh";

    public const string WrongSecret = "s3cret/of+The=clients/0123456789abcdefgi";

    public const string Region = "us-east-1";

    /// <summary>The keys in the bucket <c>many</c>, in order: 10,000, so that every client has ten pages to ask for.</summary>
    public static IReadOnlyList<string> ManyKeys { get; } = [.. Enumerable.Range(0, 10_000).Select(i => $"dir {i / 1000}/key+{i:d5}").Order(StringComparer.Ordinal)];

    private string _workFolder = "";
    private RequestLog _requests = null!;
    private int _folders;

    public RunningServer Running { get; private set; } = null!;

    /// <summary>The server, with a slash at the end.</summary>
    public Uri Address => Running.Server.Address;

    /// <summary>Plain HTTP, which signs nothing.</summary>
    public HttpClient Http => Running.Http;

    /// <summary>24 MiB that are the same in each run.</summary>
    public static byte[] Large { get; } = Bytes(LargeLength, seed: 1);

    /// <summary>A file with <see cref="Large"/> in it.</summary>
    public string LargeFile { get; private set; } = "";

    internal RequestLog Requests => _requests;

    public async ValueTask InitializeAsync()
    {
        var key = new AccessKey { Id = KeyId, Secret = Secret, Grants = [AccessGrant.Everything] };
        Running = await RunningServer.StartAsync(
            new StrataServerOptions { Access = new AccessKeyRing(key) }, context: null, ("Strata:Stores:many:Tiers:0:Name", "only"), ("Strata:Stores:many:Tiers:0:Url", "memory:"));
        foreach (string name in ManyKeys) await Running.StoreOf("many").PutBytesAsync(BlobKey.Parse(name), "x"u8.ToArray());
        _requests = new RequestLog(Address.Port);
        _workFolder = Directory.CreateTempSubdirectory("strata-client-").FullName;
        LargeFile = Path.Combine(_workFolder, "large");
        await File.WriteAllBytesAsync(LargeFile, Large);
    }

    public async ValueTask DisposeAsync()
    {
        _requests.Dispose();
        await Running.DisposeAsync();
        Directory.Delete(_workFolder, recursive: true);
    }

    /// <summary>A new, empty folder.</summary>
    public string NewFolder() => Directory.CreateDirectory(Path.Combine(_workFolder, $"folder{Interlocked.Increment(ref _folders)}")).FullName;

    /// <summary>A new file with these bytes.</summary>
    public async Task<string> FileAsync(byte[] bytes, string name = "file")
    {
        string path = Path.Combine(NewFolder(), name);
        await File.WriteAllBytesAsync(path, bytes);
        return path;
    }

    /// <summary>Bytes that differ from seed to seed and are the same in each run.</summary>
    public static byte[] Bytes(int length, int seed)
    {
        byte[] bytes = new byte[length];
#pragma warning disable CA5394 // reproducible, not secret
        new Random(seed).NextBytes(bytes);
#pragma warning restore CA5394
        return bytes;
    }

    /// <summary>A folder like people's: nested, empty and larger files, names that need quoting.</summary>
    public string NewTree()
    {
        string root = NewFolder();
        (string Path, int Length)[] files =
        [
            ("a.txt", 10), ("empty", 0), ("with space.txt", 100), ("plus+and&more=.txt", 200), ("ünïcödé.txt", 300), ("100%.txt", 400), ("quote'.txt", 500),
            ("sub/a.txt", 1000), ("sub/deeper/b.bin", 100_000), ("sub/deeper/~tilde(1).txt", 20), ("large.bin", (6 << 20) + 7),
        ];
        for (int i = 0; i < files.Length; i++)
        {
            string path = Path.Combine(root, files[i].Path);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(path, Bytes(files[i].Length, seed: i));
        }

        return root;
    }

    /// <summary>The names of the files below a folder, from it, with <c>/</c>, in order.</summary>
    public static string[] FilesIn(string root) =>
        [.. Directory.GetFiles(root, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(root, f)).Order(StringComparer.Ordinal)];

    /// <summary>Both folders hold the same names with the same bytes.</summary>
    public static void AssertSameTree(string expected, string actual)
    {
        Assert.Equal(FilesIn(expected), FilesIn(actual));
        Assert.All(FilesIn(expected), f => Assert.True(File.ReadAllBytes(Path.Combine(expected, f)).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(actual, f))), $"{f} differs."));
    }

    /// <summary>The file holds exactly these bytes.</summary>
    public static async Task AssertFileAsync(byte[] expected, string path)
    {
        byte[] actual = await File.ReadAllBytesAsync(path);
        Assert.True(expected.AsSpan().SequenceEqual(actual), $"'{Path.GetFileName(path)}' of {actual.Length} bytes is not what was uploaded ({expected.Length} bytes).");
    }

    /// <summary>The stored object holds exactly these bytes, whatever any client says.</summary>
    public async Task AssertStoredAsync(string key, byte[] expected, string bucket = "main")
    {
        byte[]? actual = await Running.StoreOf(bucket).GetBytesAsync(BlobKey.Parse(key));
        Assert.True(actual is not null, $"Nothing is stored at '{key}'.");
        Assert.True(expected.AsSpan().SequenceEqual(actual), $"What is stored at '{key}' ({actual.Length} bytes) is not what was uploaded ({expected.Length} bytes).");
    }

    public async Task AssertAbsentAsync(string key) => Assert.Null(await Running.Store.StatAsync(BlobKey.Parse(key)));

    /// <summary>Puts an object into the store itself, so that a test is about what it is about.</summary>
    public async Task PutAsync(string key, byte[] bytes) =>
        await Running.Store.WriteAsync(BlobKey.Parse(key), BlobContent.From(bytes), new WriteOptions { ETag = MD5Of(bytes) });

    /// <summary>The ETag of an object that was put as a whole, without quotes.</summary>
    public static string MD5Of(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(MD5.HashData(bytes));

    /// <summary>The ETag that S3 gives an object of parts, without quotes: the MD5 of the parts' MD5s, and how many there are.</summary>
    public static string PartsETag(byte[] bytes, int partLength = PartLength)
    {
        byte[][] sums = [.. bytes.Chunk(partLength).Select(MD5.HashData)];
        return $"{Convert.ToHexStringLower(MD5.HashData(sums.SelectMany(s => s).ToArray()))}-{sums.Length}";
    }

    /// <summary>Opens a presigned address with plain HTTP; then shows that it opens nothing else and that its absence opens nothing at all.</summary>
    public async Task AssertOpensOnlyAsync(string url, byte[] expected)
    {
        Assert.Equal(expected, await Http.GetByteArrayAsync(url));
        var address = new Uri(url);
        string path = address.GetLeftPart(UriPartial.Path);
        foreach (string closed in (string[])[$"{path}x{address.Query}", path, url + "0"])
        {
            using HttpResponseMessage refused = await Http.GetAsync(closed);
            Assert.Equal(System.Net.HttpStatusCode.Forbidden, refused.StatusCode);
        }
    }

    /// <summary>A program in an environment of its own: private home, no proxies, no settings of the machine's user.</summary>
    internal ProcessStartInfo Program(string program, IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = _workFolder, StandardOutputEncoding = Encoding.UTF8, StandardErrorEncoding = Encoding.UTF8 };
        start.Environment.Clear();
        start.Environment["PATH"] = Environment.GetEnvironmentVariable("PATH");
        start.Environment["HOME"] = _workFolder;
        start.Environment["TMPDIR"] = _workFolder;
        start.Environment["LANG"] = "C.UTF-8";
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        return start;
    }

    /// <summary>Completes when this many parts have been taken in since then.</summary>
    public Task PartsArrivedAsync(int since, int count) =>
        Eventually.HoldsAsync(() => Task.FromResult(_requests.Since(since).Count(r => r is { IsPart: true, Status: 200 }) >= count));
}
