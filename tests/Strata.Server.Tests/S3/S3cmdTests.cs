using System.Security.Cryptography;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>The real s3cmd, with signatures and checks as it comes.</summary>
public class S3cmdTests : ServerTests
{
    private string Files => Directory.CreateDirectory(Path.Combine(Running.Folder, "files")).FullName;

    [Fact]
    public async Task Puts_gets_lists_copies_and_deletes()
    {
        byte[] bytes = RandomNumberGenerator.GetBytes(3 * 1024 * 1024);
        string source = Path.Combine(Files, "source"), back = Path.Combine(Files, "back");
        await File.WriteAllBytesAsync(source, bytes);

        await S3cmdAsync("put", source, "s3://main/dir/a b+ü.bin", "--add-header=x-amz-meta-color:blue", "--mime-type=application/x-test");
        await S3cmdAsync("get", "s3://main/dir/a b+ü.bin", back);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(back));

        BlobInfo? info = await Running.Store.StatAsync(BlobKey.Parse("dir/a b+ü.bin"));
        Assert.Equal("blue", info!.Metadata["color"]);
        Assert.Equal("application/x-test", info.ContentType);

        await S3cmdAsync("cp", "s3://main/dir/a b+ü.bin", "s3://main/copy");
        string listed = await S3cmdAsync("ls", "-r", "s3://main");
        Assert.Contains("s3://main/dir/a b+ü.bin", listed);
        Assert.Contains("s3://main/copy", listed);
        Assert.Contains("DIR", await S3cmdAsync("ls", "s3://main"));
        Assert.Contains("s3://other", await S3cmdAsync("ls"));

        await S3cmdAsync("del", "s3://main/copy");
        await S3cmdAsync("del", "-r", "-f", "s3://main/dir");
        Assert.Empty(await S3cmdAsync("ls", "-r", "s3://main"));
    }

    [Fact]
    public async Task Syncs_a_folder_up_and_down()
    {
        string up = Path.Combine(Files, "up"), down = Path.Combine(Files, "down");
        Directory.CreateDirectory(Path.Combine(up, "sub"));
        Directory.CreateDirectory(down);
        for (int i = 0; i < 20; i++) await File.WriteAllBytesAsync(Path.Combine(up, i % 2 == 0 ? "." : "sub", $"f{i}"), RandomNumberGenerator.GetBytes(i * 1000));
        await S3cmdAsync("sync", up + "/", "s3://main/tree/");
        Assert.DoesNotContain("upload:", await S3cmdAsync("sync", up + "/", "s3://main/tree/"));
        await S3cmdAsync("sync", "s3://main/tree/", down + "/");
        Assert.Equal("", (await CommandRun.OfAsync("diff", "-r", up, down)).Successful);
    }

    [Fact]
    public async Task Puts_a_large_file_in_parts()
    {
        string source = Path.Combine(Files, "large"), back = Path.Combine(Files, "back");
        byte[] bytes = RandomNumberGenerator.GetBytes(12 * 1024 * 1024);
        await File.WriteAllBytesAsync(source, bytes);
        await S3cmdAsync("put", source, "s3://main/large", "--multipart-chunk-size-mb=5");
        Assert.EndsWith("-3", (await Running.Store.StatAsync(BlobKey.Parse("large")))!.ETag);
        await S3cmdAsync("get", "s3://main/large", back);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(back));
        Assert.DoesNotContain("large", await S3cmdAsync("multipart", "s3://main"));
    }

    private async Task<string> S3cmdAsync(params string[] arguments) => (await RunAsync(arguments)).Successful;

    private async Task<CommandRun> RunAsync(string[] arguments)
    {
        string settings = Path.Combine(Running.Folder, "s3cfg");
        await File.WriteAllTextAsync(settings, "[default]\nuse_https = False\nguess_mime_type = False\n");
        string host = Running.Server.Address.Authority;
        return await CommandRun.OfAsync(
            "s3cmd", ["-c", settings, "--no-progress", "--no-ssl", $"--host={host}", $"--host-bucket={host}", "--access_key=any", "--secret_key=thing", .. arguments]);
    }
}
