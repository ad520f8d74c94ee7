using System.Diagnostics;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Strata.Server;
using Xunit;

namespace Strata.Cli.Tests;

/// <summary>access, on a folder that nobody serves and through its server; and what serve says of keys and TLS.</summary>
public sealed class AccessTests : IDisposable
{
    private readonly TempFolder _folder = new();

    private string Data => _folder["data"];

    private string SealingKey => _folder["config/sealing.key"];

    private Dictionary<string, string> Environment => new() { [SealingKeyFile.Variable] = SealingKey };

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Keys_are_made_listed_and_revoked(bool isServed)
    {
        using StrataProcess? server = isServed ? await StrataProcess.ServeAsync(Data, Environment) : null;

        JsonElement made = (await RunAsync("access", "create", "--allow", "read,list:main/photos/", "write:main/inbox/", "--allow", "all:other", "--name", "Ann", "--json")).Exits(0).Json;
        string id = made.GetProperty("id").GetString()!, secret = made.GetProperty("secret").GetString()!;
        ToolResult admin = (await RunAsync("access", "create", "--admin", "--id", "boss")).Exits(0);
        Assert.Contains("export AWS_ACCESS_KEY_ID=boss AWS_SECRET_ACCESS_KEY=", admin.Output, StringComparison.Ordinal);
        Assert.All(["aws --endpoint-url", "rclone ", "s3cmd --host", "curl --aws-sigv4"], s => Assert.Contains(s, admin.Output, StringComparison.Ordinal));
        Assert.Contains(isServed ? server!.Address.Authority : "127.0.0.1:9000", admin.Output, StringComparison.Ordinal);
        (await RunAsync("access", "create", "--admin", "--id", "boss")).Fails(ExitCode.Usage, "'boss' already");

        ToolResult list = (await RunAsync("access", "list")).Exits(0);
        Assert.Equal(2, list.Lines.Length);
        Assert.Contains("all:*", list.Lines[1], StringComparison.Ordinal);
        Assert.Contains("(Ann)", list.Lines[0], StringComparison.Ordinal);
        Assert.DoesNotContain(secret, list.Output, StringComparison.Ordinal);
        List<JsonElement> lines = (await RunAsync("access", "list", "--json")).Exits(0).JsonLines;
        Assert.Equal([id, "boss"], lines.Select(l => l.GetProperty("id").GetString()));
        Assert.Equal(["read,list:main/photos/", "write:main/inbox/", "all:other"], lines[0].GetProperty("grants").EnumerateArray().Select(g => g.GetString()));

        Assert.Equal($"revoked {id}", Assert.Single((await RunAsync("access", "revoke", id)).Exits(0).Lines));
        (await RunAsync("access", "revoke", id)).Fails(ExitCode.NotFound, id);
        List<JsonElement> revoked = (await RunAsync("access", "revoke", "none", "boss", "--json")).Exits(ExitCode.NotFound).JsonLines;
        Assert.Equal(["Missing", "Revoked"], revoked.Select(r => r.GetProperty("status").GetString()));
        Assert.Empty((await RunAsync("access", "list")).Exits(0).Lines);
        if (server is not null) Assert.Equal(0, await server.StopAsync());

        foreach (string file in Directory.GetFiles(Data, "*", SearchOption.AllDirectories))
            Assert.False((await File.ReadAllBytesAsync(file)).AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(secret)) >= 0, $"The secret is in {file}.");
    }

    [Fact]
    public async Task A_key_that_was_made_before_is_known_to_the_server_and_one_made_through_it_outlives_it()
    {
        (await RunAsync("access", "create", "--admin", "--id", "before")).Exits(0);
        using (StrataProcess server = await StrataProcess.ServeAsync(Data, Environment))
        {
            (await RunAsync("access", "create", "--admin", "--id", "during")).Exits(0);
            Assert.Equal(["before", "during"], await IdsAsync());
            Assert.Equal(0, await server.StopAsync());
        }

        Assert.Equal(["before", "during"], await IdsAsync());
    }

    [Fact]
    public async Task The_other_commands_work_through_a_server_that_asks_for_keys()
    {
        (await RunAsync("access", "create", "--admin")).Exits(0);
        using StrataProcess server = await StrataProcess.ServeAsync(Data, Environment);
        (await RunAsync("put", _folder.Write("a.txt", "text"u8), "main/a.txt")).Exits(0);
        Assert.Equal("text", (await RunAsync("cat", "main/a.txt")).Exits(0).Output);
        Assert.Equal("main", (await RunAsync("ls", "--json")).Exits(0).Json.GetProperty("store").GetString());
        Assert.Equal(0, await server.StopAsync());
    }

    [Fact]
    public async Task A_lost_sealing_key_is_told_and_stops_a_server()
    {
        string id = (await RunAsync("access", "create", "--admin", "--json")).Exits(0).Json.GetProperty("id").GetString()!;
        File.Delete(SealingKey);
        (await RunAsync("serve", "--listen", "127.0.0.1:0")).Fails(ExitCode.Usage, SealingKey, "access create");
        (await RunAsync("access", "create", "--admin")).Fails(ExitCode.Usage, SealingKey);
        Assert.Equal([id], await IdsAsync());
        (await RunAsync("access", "revoke", id)).Exits(0);
        (await RunAsync("access", "create", "--admin", "--id", "fresh")).Exits(0);
        using StrataProcess server = await StrataProcess.ServeAsync(Data, Environment);
        Assert.Equal(0, await server.StopAsync());
    }

    [Fact]
    public async Task A_damaged_key_file_is_told_and_stops_a_server()
    {
        (await RunAsync("access", "create", "--admin")).Exits(0);
        await File.AppendAllTextAsync(Path.Combine(Data, AccessKeyFile.Name), "x");
        (await RunAsync("serve", "--listen", "127.0.0.1:0")).Fails(ExitCode.Failed, AccessKeyFile.Name, "damaged");
        (await RunAsync("access", "list")).Fails(ExitCode.Failed, AccessKeyFile.Name, "damaged");
    }

    [Fact]
    public async Task Keys_of_the_configuration_are_listed_and_not_revoked()
    {
        Dictionary<string, string> environment = new(Environment)
        {
            ["Strata__Access__Keys__0__Id"] = "fixed", ["Strata__Access__Keys__0__Secret"] = "configured-secret", ["Strata__Access__Keys__0__Allow__0"] = "all:*",
        };
        (await StrataProcess.RunAsync(["access", "list", "--data", Data], null, environment)).Fails(ExitCode.NotFound, Data);
        using StrataProcess server = await StrataProcess.ServeAsync(Data, environment);
        ToolResult list = (await RunAsync("access", "list")).Exits(0);
        Assert.Contains("fixed  configured ", Assert.Single(list.Lines), StringComparison.Ordinal);
        (await RunAsync("access", "revoke", "fixed")).Fails(ExitCode.Failed, "configuration");
        Assert.Equal(0, await server.StopAsync());
        (await StrataProcess.RunAsync(["access", "revoke", "fixed", "--data", Data], null, environment)).Fails(ExitCode.Failed, "configuration");
    }

    [Theory]
    [InlineData("--allow", "create")]
    [InlineData("--allow", "create", "--admin", "--allow", "read:main")]
    [InlineData("'fly'", "create", "--allow", "fly:main")]
    [InlineData("RIGHT", "create", "--allow", "read")]
    [InlineData("letters and digits", "create", "--admin", "--id", "a b c")]
    [InlineData("strata access create --help", "create", "--frob")]
    [InlineData("strata access --help", "frob")]
    [InlineData("strata access --help")]
    [InlineData("strata access revoke --help", "revoke")]
    public async Task Wrong_usage_is_told_and_makes_nothing(string says, params string[] arguments)
    {
        (await RunAsync(["access", .. arguments])).Fails(ExitCode.Usage, says);
        Assert.False(File.Exists(SealingKey));
    }

    [Theory]
    [InlineData("create", "strata access create --admin", "--allow", "sealing.key")]
    [InlineData("list", "strata access list", "--json")]
    [InlineData("revoke", "strata access revoke")]
    public async Task Help_has_examples(string command, params string[] says)
    {
        string help = (await StrataProcess.RunAsync("access", command, "--help")).Exits(0).Output;
        Assert.Contains("Examples:\n  ", help, StringComparison.Ordinal);
        Assert.All(says, s => Assert.Contains(s, help, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Completion_knows_the_commands_and_options()
    {
        string[] commands = (await StrataProcess.RunAsync("[suggest:14]", "strata access ")).Exits(0).Lines;
        Assert.All(["create", "list", "revoke"], c => Assert.Contains(c, commands));
        Assert.Contains("--admin", (await StrataProcess.RunAsync("[suggest:23]", "strata access create --a")).Exits(0).Lines);
    }

    [Fact]
    public async Task Killed_at_any_moment_it_leaves_the_keys_as_they_were_or_with_one_more()
    {
        (await RunAsync("access", "create", "--admin", "--id", "first")).Exits(0);
        for (int i = 0; i < 8; i++)
        {
            using (StrataProcess creating = StrataProcess.Begin(Environment, "access", "create", "--admin", "--id", $"key{i}", "--data", Data))
            {
                // Most of the run is the start of the runtime; the file appears in its last tenth.
                await Task.WhenAny(Task.Delay(120 + (20 * i)), creating.NextLineAsync());
            }

            string[] ids = await IdsAsync();
            Assert.Contains("first", ids);
        }

        using StrataProcess server = await StrataProcess.ServeAsync(Data, Environment);
        Assert.Equal(0, await server.StopAsync());
    }

    [Fact]
    public async Task It_listens_beyond_loopback_with_a_key_only_and_warns_without_TLS()
    {
        (await RunAsync("serve", "--listen", "0.0.0.0:0")).Fails(ExitCode.Usage, "strata access create --admin");
        (await RunAsync("access", "create", "--admin")).Exits(0);
        using StrataProcess server = await StrataProcess.ServeAsync(Data, Environment, "--listen", "*:0");
        Assert.Equal("127.0.0.1", server.Address.Host);
        Assert.Contains("TLS", JsonDocument.Parse((await server.NextLineAsync())!).RootElement.GetProperty("message").GetString(), StringComparison.Ordinal);
        (await RunAsync("ls")).Exits(0);
        Assert.Equal(0, await server.StopAsync());
    }

    [Fact]
    public async Task The_commands_work_through_a_server_that_listens_on_an_address_of_the_machine_alone()
    {
        IPAddress address = NetworkInterface.GetAllNetworkInterfaces()
            .SelectMany(n => n.GetIPProperties().UnicastAddresses)
            .Select(a => a.Address)
            .FirstOrDefault(a => a.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(a), IPAddress.Loopback);
        (await RunAsync("access", "create", "--admin", "--id", "boss")).Exits(0);
        using StrataProcess server = await StrataProcess.ServeAsync(Data, Environment, "--listen", $"{address}:0");
        Assert.Equal(address.ToString(), server.Address.Host);
        Assert.Equal(["boss"], await IdsAsync());
        Assert.Equal(0, await server.StopAsync());
    }

    [Fact]
    public async Task The_commands_trust_their_own_servers_certificate_and_no_other()
    {
        (string certificate, string key) = WriteCertificate("one");
        using StrataProcess server = await StrataProcess.ServeAsync(Data, Environment, "--tls-cert", certificate, "--tls-key", key);
        Assert.Equal("https", server.Address.Scheme);
        (await RunAsync("put", _folder.Write("a.txt", "text"u8), "main/a.txt")).Exits(0);
        Assert.Equal("text", (await RunAsync("cat", "main/a.txt")).Exits(0).Output);
        (await RunAsync("access", "create", "--admin", "--id", "boss")).Exits(0);
        Assert.Equal(["boss"], await IdsAsync());

        // Somebody else at this address has another certificate: nothing is said to them, the token least of all.
        DataFolderOwner owner = DataFolder.FindOwner(Data)!;
        using var mistaken = new ServedConnection(owner.Address!, owner.Token, print => print == new string('0', 64));
        StorageException refused = await Assert.ThrowsAsync<StorageException>(async () => await new ServedAccessKeys(mistaken).ListAsync(CancellationToken.None));
        Assert.Contains("certificate", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(owner.Token, refused.ToString(), StringComparison.Ordinal);
        Assert.Equal(0, await server.StopAsync());
    }

    [Fact]
    public async Task A_connection_goes_on_over_a_renewal_of_the_certificate()
    {
        (string certificate, string key) = WriteCertificate("one");
        var clock = new Strata.Testing.FakeClock(TimeProvider.System.GetUtcNow());
        await using StoreCatalog catalog = await StoreCatalog.OpenAsync(StrataSettings.Read(new Microsoft.Extensions.Configuration.ConfigurationBuilder().Build(), Data));
        var options = new StrataServerOptions { Listen = "127.0.0.1:0", Tls = new TlsOptions { Certificate = certificate, Key = key } };
        await using StrataServer server = await StrataServer.StartAsync(catalog, options, new StoreContext { Clock = clock });
        DataFolderOwner owner = DataFolder.FindOwner(Data)!;

        WriteCertificate("two");
        clock.Advance(ServerCertificate.Interval);
        await using AccessKeySet keys = new ServedAccessKeys(FolderServer.Connect(owner, Data));
        Assert.Empty(await keys.ListAsync(CancellationToken.None));
    }

    [Fact]
    public async Task The_greeting_shows_lines_that_fit()
    {
        string open = await GreetingAsync();
        Assert.Contains("--no-sign-request", open, StringComparison.Ordinal);
        Assert.Contains("strata access create --admin", open, StringComparison.Ordinal);
        Assert.DoesNotContain("--disable-multipart", open, StringComparison.Ordinal);

        (await RunAsync("access", "create", "--admin")).Exits(0);
        string signed = await GreetingAsync();
        Assert.DoesNotContain("--no-sign-request", signed, StringComparison.Ordinal);
        Assert.Contains("--aws-sigv4", signed, StringComparison.Ordinal);

        async Task<string> GreetingAsync()
        {
            using StrataProcess server = StrataProcess.Begin(Environment, "serve", "--data", Data, "--listen", "127.0.0.1:0");
            var said = new List<string>();
            while (await server.NextLineAsync() is { } line && !line.StartsWith("Ctrl-C", StringComparison.Ordinal)) said.Add(line);
            Assert.Equal(0, await server.StopAsync());
            return string.Join('\n', said);
        }
    }

    [Fact]
    public async Task The_lines_that_are_printed_work_as_they_are()
    {
        using StrataProcess server = await StrataProcess.ServeAsync(Data, Environment);
        (await RunAsync("put", _folder.Write("a.txt", "text"u8), "main/a.txt")).Exits(0);
        string[] lines = (await RunAsync("access", "create", "--allow", "read,list:main")).Exits(0).Lines;
        string export = lines.Single(l => l.TrimStart().StartsWith("export ", StringComparison.Ordinal)), curl = lines.Single(l => l.TrimStart().StartsWith("curl ", StringComparison.Ordinal));

        using var process = Process.Start(new ProcessStartInfo("sh", ["-c", $"{export}\n{curl} --silent --max-time 30"]) { UseShellExecute = false, RedirectStandardOutput = true })!;
        Assert.Contains("<Key>a.txt</Key>", await process.StandardOutput.ReadToEndAsync(), StringComparison.Ordinal);
        Assert.Equal(0, await server.StopAsync());
    }

    private async Task<string[]> IdsAsync() =>
        [.. (await RunAsync("access", "list", "--json")).Exits(0).JsonLines.Select(l => l.GetProperty("id").GetString()!)];

    private (string Certificate, string Key) WriteCertificate(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        using X509Certificate2 certificate = request.CreateSelfSigned(now.AddMinutes(-5), now.AddDays(1));
        return (
            _folder.Write("server.pem", System.Text.Encoding.UTF8.GetBytes(certificate.ExportCertificatePem())),
            _folder.Write("server.key", System.Text.Encoding.UTF8.GetBytes(key.ExportPkcs8PrivateKeyPem())));
    }

    private Task<ToolResult> RunAsync(params string[] arguments) => StrataProcess.RunAsync([.. arguments, "--data", Data], null, Environment);
}
