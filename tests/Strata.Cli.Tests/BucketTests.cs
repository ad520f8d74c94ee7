using System.Text;
using System.Text.Json;
using Xunit;

namespace Strata.Cli.Tests;

/// <summary>The commands over a bucket of S3, and what is said where it cannot be used.</summary>
public sealed class BucketTests(ServedBucket bucket) : IClassFixture<ServedBucket>, IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Every_command_works_over_a_bucket()
    {
        string file = _folder.Write("a b.txt", "text"u8);

        JsonElement put = (await bucket.RunAsync("put", file, "s3://main/every/", "--meta", "k=ü", "--json")).Exits(0).Json;
        Assert.Equal(("s3://main", "s3", "every/a b.txt"), (put.GetProperty("store").GetString(), put.GetProperty("tiers")[0].GetString(), put.GetProperty("info").GetProperty("key").GetString()));
        Assert.Equal("text", (await bucket.RunAsync("cat", "s3://main/every/a b.txt")).Exits(0).Output);
        Assert.Equal("ex", (await bucket.RunAsync("cat", "s3:main/every/a b.txt", "--range", "1-2")).Exits(0).Output);
        (await bucket.RunAsync("get", "s3://main/every/a b.txt", _folder["b.txt"])).Exits(0);
        Assert.Equal("text", await File.ReadAllTextAsync(_folder["b.txt"]));
        Assert.Equal("ü", (await bucket.RunAsync("stat", "s3://main/every/a b.txt", "--json")).Exits(0).Json.GetProperty("info").GetProperty("metadata").GetProperty("k").GetString());
        Assert.Equal(["every/a b.txt"], (await bucket.RunAsync("ls", "s3://main/every")).Exits(0).Lines);
        Assert.Matches(@"^\s+4 B  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d  s3 +every/a b.txt$", (await bucket.RunAsync("ls", "-l", "s3://main/every/")).Exits(0).Lines.Single());
        Assert.Equal("text/plain", (await bucket.RunAsync("ls", "-r", "s3://main/every/", "--json")).Exits(0).Json.GetProperty("contentType").GetString());
        (await bucket.RunAsync("cp", "s3://main/every/a b.txt", "s3://main/every/copy")).Exits(0);
        (await bucket.RunAsync("rm", "s3://main/every/copy")).Exits(0);
        (await bucket.RunAsync("rm", "s3://main/every/copy")).Fails(ExitCode.NotFound, "s3://main/every/copy");
        (await bucket.RunAsync("rm", "-r", "--yes", "s3://main/every")).Exits(0);
        (await bucket.RunAsync("cp", "-r", "s3://main/every", _folder["none"])).Fails(ExitCode.NotFound, "s3://main/every");
        Assert.Empty((await bucket.RunAsync("ls", "-r", "s3://main/every")).Lines);
    }

    [Fact]
    public async Task A_key_is_what_stands_in_the_address()
    {
        string file = _folder.Write("file", "x"u8);
        foreach (string key in new[] { "odd/100%20.txt", "odd/a#b", "odd/ü+ &=" }) (await bucket.RunAsync("put", file, "s3://main/" + key)).Exits(0);
        (await bucket.RunAsync("put", file, $"s3://main?endpoint={bucket.Address}#odd/what?")).Exits(0);

        Assert.Equal(["odd/100%20.txt", "odd/a#b", "odd/what?", "odd/ü+ &="], (await bucket.RunAsync("ls", $"s3://main/odd/?endpoint={bucket.Address}&provider=strata")).Exits(0).Lines);
    }

    [Fact]
    public async Task A_store_below_a_prefix_is_named_by_the_address_that_opens_it()
    {
        _folder.Write("in/file", "x"u8);
        (await bucket.RunAsync("cp", "-r", _folder["in"], "s3://main/below/it?#dir")).Exits(0);

        Assert.Equal(["dir/file"], (await bucket.RunAsync("ls", "-r", $"s3://main/below/it?endpoint={bucket.Address}#")).Exits(0).Lines);
        Assert.Equal(["below/it/dir/file"], (await bucket.RunAsync("ls", "-r", "s3://main/below/")).Exits(0).Lines);
        (await bucket.RunAsync("cat", "s3://main/below/it?#none")).Fails(ExitCode.NotFound, "'s3://main/below/it/none'");
    }

    [Fact]
    public async Task Conditions_decide_whether_a_put_is_done_and_what_was_tried_for_them_is_gone()
    {
        string file = _folder.Write("file", "x"u8);

        (await bucket.RunAsync("put", file, "s3://main/conditions/a", "--if-absent")).Exits(0);
        (await bucket.RunAsync("put", file, "s3://main/conditions/a", "--if-absent")).Fails(ExitCode.ConditionFailed, "s3://main/conditions/a", "--if-absent");

        Assert.DoesNotContain((await bucket.RunAsync("ls", "-r", "s3://main")).Lines, l => l.StartsWith(".strata", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_presigned_address_reads_and_writes_without_credentials()
    {
        using var http = new HttpClient();
        JsonElement put = (await bucket.RunAsync("presign", "s3://main/signed/a", "--put", "--ttl", "10m", "--json")).Exits(0).Json;
        Assert.Equal("PUT", put.GetProperty("method").GetString());
        using HttpResponseMessage written = await http.PutAsync(put.GetProperty("url").GetString(), new ByteArrayContent("signed"u8.ToArray()));
        Assert.True(written.IsSuccessStatusCode, written.ToString());

        string url = (await bucket.RunAsync("presign", "s3://main/signed/a")).Exits(0).Lines.Single();
        Assert.Equal("signed", await http.GetStringAsync(url));
        (await bucket.RunAsync("presign", "s3://main/signed/a", "--ttl", "8d")).Fails(ExitCode.Usage, "7 days");
        (await bucket.RunAsync("presign", "memory:#a")).Fails(ExitCode.Failed, "memory:", "s3:");
    }

    [Fact]
    public async Task A_sweep_removes_what_has_expired_and_leaves_the_rest()
    {
        string file = _folder.Write("file", "x"u8);
        (await bucket.RunAsync("put", file, "s3://main/swept/gone", "--expires", "2020-01-01T00:00:00Z")).Exits(0);
        (await bucket.RunAsync("put", file, "s3://main/swept/kept", "--ttl", "1h")).Exits(0);
        Assert.Equal(2, (await bucket.RunAsync("ls", "s3://main/swept/")).Lines.Length);

        (await bucket.RunAsync("sweep", "s3://main/swept")).Fails(ExitCode.Usage, "s3://main");
        (await bucket.RunAsync("sweep", "s3://main", "--abandoned-after", "1m")).Fails(ExitCode.Usage, "1h");
        (await bucket.RunAsync("sweep", "memory:")).Fails(ExitCode.Failed, "memory:");
        JsonElement swept = (await bucket.RunAsync("sweep", "s3://main?provider=strata", "--json")).Exits(0).Json;

        Assert.InRange(swept.GetProperty("expired").GetInt32(), 1, 10);
        Assert.Equal(["swept/kept"], (await bucket.RunAsync("ls", "s3://main/swept/")).Lines);
    }

    [Fact]
    public async Task What_is_wrong_is_said_in_one_line_without_a_secret()
    {
        string file = _folder.Write("file", "x"u8);

        (await bucket.RunAsync("ls", "s3://no-such-bucket")).Fails(ExitCode.Unavailable, "s3://no-such-bucket", "no such bucket");
        foreach (string command in new[] { "stat", "cat", "rm" }) (await bucket.RunAsync(command, "s3://no-such-bucket/a")).Fails(ExitCode.Unavailable, "s3://no-such-bucket", "no such bucket");
        (await bucket.RunAsync("cp", "-r", _folder.Path, "s3://no-such-bucket/x")).Fails(ExitCode.Unavailable, "s3://no-such-bucket", "no such bucket");
        (await bucket.RunAsAsync(bucket.As(bucket.Environment["AWS_ACCESS_KEY_ID"], "wrong-secret-0123456789"), "put", file, "s3://main/a")).Fails(ExitCode.Unavailable, "s3://main", "denied access (403", "AWS_SECRET_ACCESS_KEY");
        (await bucket.RunAsAsync(bucket.As("", ""), "ls", "s3://main")).Fails(ExitCode.Unavailable, "s3://main", "no credentials", "AWS_ACCESS_KEY_ID");
        (await bucket.RunAsync("ls", "s3://main?endpoint=http://127.0.0.1:1")).Fails(ExitCode.Unavailable, "s3://main", "cannot be reached", "127.0.0.1:1");
        (await bucket.RunAsync("put", file, "s3://main/a?endpoint=http://127.0.0.1:1", "--if-absent")).Fails(ExitCode.Unavailable, "s3://main", "cannot be reached", "provider=");
        (await bucket.RunAsync("ls", "azure://main?account=a&endpoint=http://127.0.0.1:1/a")).Fails(ExitCode.Unavailable, "azure://main", "cannot be reached", "127.0.0.1:1");
        (await bucket.RunAsync("ls", "azure://main")).Fails(ExitCode.Usage, "AZURE_STORAGE_ACCOUNT");
    }

    [Theory]
    [InlineData("names no bucket", "s3:")]
    [InlineData("names no bucket", "s3:///key")]
    [InlineData("names no container", "azure://")]
    [InlineData("names no key", "s3://main")]
    [InlineData("'frob'", "s3://main/a?frob=S3CRET")]
    [InlineData("no value", "s3://main/a?frob")]
    [InlineData("credentials", "s3://main/a?endpoint=http://me:S3CRET@127.0.0.1:1")]
    [InlineData("no scheme 'https:'", "https://contoso.blob.core.windows.net/archive/a?sv=1&sig=S3CRET")]
    public async Task A_wrong_address_is_named_without_what_may_be_secret(string says, string address)
    {
        ToolResult result = await bucket.RunAsync("cat", address);

        result.Fails(ExitCode.Usage, says);
        Assert.DoesNotContain("S3CRET", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_that_may_only_read_reads_and_one_that_may_only_write_writes()
    {
        string file = _folder.Write("in/file", "x"u8);
        (await bucket.RunAsync("put", file, "s3://main/rights/a")).Exits(0);
        IReadOnlyDictionary<string, string> reader = await bucket.AllowAsync("read,list:main/rights/"), writer = await bucket.AllowAsync("write:main/rights/");

        Assert.Equal(["rights/a"], (await bucket.RunAsAsync(reader, "ls", "s3://main/rights/")).Exits(0).Lines);
        (await bucket.RunAsAsync(reader, "cp", "-r", "s3://main/rights", _folder["out"])).Exits(0);
        (await bucket.RunAsAsync(reader, "put", file, "s3://main/rights/b")).Fails(ExitCode.Unavailable, "denied access");
        (await bucket.RunAsAsync(reader, "rm", "s3://main/rights/a")).Fails(ExitCode.Unavailable, "denied access");
        (await bucket.RunAsAsync(writer, "cp", "-r", _folder["in"], "s3://main/rights/new")).Fails(ExitCode.Unavailable, "denied access", "--force");

        Assert.Equal("x", await File.ReadAllTextAsync(_folder["out/a"]));
    }

    [Fact]
    public async Task A_server_over_a_bucket_serves_it_and_starts_without_it()
    {
        string file = _folder.Write("file", Encoding.UTF8.GetBytes("tiered"));
        Dictionary<string, string> Tiers(string endpoint) => new(bucket.Environment)
        {
            ["Strata__Stores__photos__Tiers__0__Name"] = "hot",
            ["Strata__Stores__photos__Tiers__0__Url"] = "memory:",
            ["Strata__Stores__photos__Tiers__1__Name"] = "cold",
            ["Strata__Stores__photos__Tiers__1__Url"] = $"s3://main/tiered?provider=strata&singleWriter=true&maxAttempts=2&endpoint={endpoint}",
        };
        string data = _folder["data"];
        using var http = new HttpClient();
        using (StrataProcess server = await StrataProcess.ServeAsync(data, Tiers(bucket.Address.ToString())))
        {
            (await StrataProcess.RunAsync("put", file, "photos/a", "--data", data)).Exits(0);
            Assert.Equal("""{"status":"ok"}""", await http.GetStringAsync(new Uri(server.Address, "/_strata/health")));
            Assert.Equal("tiered", (await bucket.RunAsync("cat", "s3://main/tiered/a")).Exits(0).Output);
            Assert.Equal(0, await server.StopAsync());
        }

        using StrataProcess cutOff = await StrataProcess.ServeAsync(data, Tiers("http://127.0.0.1:1"));
        string warning = (await cutOff.NextLineAsync())!;
        Assert.Contains("\"warning\"", warning, StringComparison.Ordinal);
        Assert.Contains("photos", warning, StringComparison.Ordinal);
        Assert.Contains("cannot be reached", warning, StringComparison.Ordinal);
        (await StrataProcess.RunAsync("cat", "photos/a", "--data", data)).Fails(ExitCode.Unavailable, "'cold' cannot be reached");
        Assert.Equal("""{"status":"degraded"}""", await http.GetStringAsync(new Uri(cutOff.Address, "/_strata/health")));
        JsonElement tier = (await StrataProcess.RunAsync("ls", "--json", "--data", data)).Exits(0).Json.GetProperty("tiers")[1];
        Assert.Equal("It cannot be reached.", tier.GetProperty("fault").GetString());
        Assert.Equal(0, await cutOff.StopAsync());
    }
}
