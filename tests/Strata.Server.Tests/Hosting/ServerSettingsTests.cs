using System.Text;
using Microsoft.Extensions.Configuration;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>Each setting wrong in turn: the start stops with the path of the setting and what it takes, and without secrets.</summary>
public sealed class ServerSettingsTests
{
    private const string Secret = "a-secret-that-nobody-may-see";

    [Theory]
    [InlineData("""{ "Server": { "Lisen": "x" } }""", "Strata:Server:Lisen", "Listen, AllowedHosts")]
    [InlineData("""{ "Server": "127.0.0.1:9000" }""", "Strata:Server", "a group of settings")]
    [InlineData("""{ "Server": { "Listen": "" } }""", "Strata:Server:Listen", "empty")]
    [InlineData("""{ "Server": { "Listen": ["a", "b"] } }""", "Strata:Server:Listen", "one text")]
    [InlineData("""{ "Server": { "AllowedHosts": ["a", ""] } }""", "Strata:Server:AllowedHosts:1", "empty")]
    [InlineData("""{ "Server": { "AllowedHosts": [ { "a": "b" } ] } }""", "Strata:Server:AllowedHosts:0", "one text")]
    [InlineData("""{ "Server": { "MaxObjectBytes": "many" } }""", "Strata:Server:MaxObjectBytes", "a size such as")]
    [InlineData("""{ "Server": { "MaxObjectBytes": "0" } }""", "Strata:Server:MaxObjectBytes", "takes 1 or more")]
    [InlineData("""{ "Server": { "MaxXmlBytes": "1TiB" } }""", "Strata:Server:MaxXmlBytes", "1 KiB to 64 MiB")]
    [InlineData("""{ "Server": { "MaxHeaderBytes": "10" } }""", "Strata:Server:MaxHeaderBytes", "1 KiB to 1 MiB")]
    [InlineData("""{ "Server": { "MaxConnections": "-1" } }""", "Strata:Server:MaxConnections", "a whole number")]
    [InlineData("""{ "Server": { "MaxConnections": "0" } }""", "Strata:Server:MaxConnections", "takes 1 or more")]
    [InlineData("""{ "Server": { "MaxUploadsPerClient": "0" } }""", "Strata:Server:MaxUploadsPerClient", "takes 1 or more")]
    [InlineData("""{ "Server": { "MaxUnfinishedUploads": "0" } }""", "Strata:Server:MaxUnfinishedUploads", "1 to 100,000")]
    [InlineData("""{ "Server": { "MaxUnfinishedUploads": "100001" } }""", "Strata:Server:MaxUnfinishedUploads", "1 to 100,000")]
    [InlineData("""{ "Server": { "MaxKvDatabases": "100001" } }""", "Strata:Server:MaxKvDatabases", "0 to 100,000")]
    [InlineData("""{ "Server": { "MaxRefusalsPerSecond": "-1" } }""", "Strata:Server:MaxRefusalsPerSecond", "a whole number")]
    [InlineData("""{ "Server": { "HeaderTimeout": "0s" } }""", "Strata:Server:HeaderTimeout", "more than 0")]
    [InlineData("""{ "Server": { "HeaderTimeout": "15" } }""", "Strata:Server:HeaderTimeout", "a number with ms, s, m, h or d")]
    [InlineData("""{ "Server": { "MinBytesPerSecond": "fast" } }""", "Strata:Server:MinBytesPerSecond", "a size such as")]
    [InlineData("""{ "Server": { "SlowGrace": "00:00:01" } }""", "Strata:Server:SlowGrace", "more than 1 s")]
    [InlineData("""{ "Server": { "DrainTimeout": "-20s" } }""", "Strata:Server:DrainTimeout", "a number with")]
    [InlineData("""{ "Server": { "DrainTimeout": "NaNs" } }""", "Strata:Server:DrainTimeout", "a number with")]
    [InlineData("""{ "Server": { "TlsKey": "key.pem" } }""", "Strata:Server:TlsCertificate", "is missing")]
    [InlineData("""{ "Server": { "TlsPassword": "a-secret-that-nobody-may-see" } }""", "Strata:Server:TlsCertificate", "is missing")]
    [InlineData("""{ "Access": { "Kys": "x" } }""", "Strata:Access:Kys", "SealingKeyFile, Keys")]
    [InlineData("""{ "Access": "a-secret-that-nobody-may-see" }""", "Strata:Access", "a group of settings")]
    [InlineData("""{ "Access": { "Keys": "a-secret-that-nobody-may-see" } }""", "Strata:Access:Keys", "a group of settings")]
    [InlineData("""{ "Access": { "Keys": [ "a-secret-that-nobody-may-see" ] } }""", "Strata:Access:Keys:0", "a group of settings")]
    [InlineData("""{ "Access": { "Keys": [ { "Secret": "a-secret-that-nobody-may-see", "Allow": ["all:*"] } ] } }""", "Strata:Access:Keys:0:Id", "is missing")]
    [InlineData("""{ "Access": { "Keys": [ { "Id": "a-secret-that-nobody-may-see", "Secret": "12345678", "Allow": ["all:*"] } ] } }""", "Strata:Access:Keys:0:Id", "letters and digits")]
    [InlineData("""{ "Access": { "Keys": [ { "Id": "abc", "Allow": ["all:*"] } ] } }""", "Strata:Access:Keys:0:Secret", "SecretFile")]
    [InlineData("""{ "Access": { "Keys": [ { "Id": "abc", "Secret": "short", "Allow": ["all:*"] } ] } }""", "Strata:Access:Keys:0:Secret", "8 to 128")]
    [InlineData("""{ "Access": { "Keys": [ { "Id": "abc", "Secret": " a-secret-that-nobody-may-see", "Allow": ["all:*"] } ] } }""", "Strata:Access:Keys:0:Secret", "8 to 128")]
    [InlineData("""{ "Access": { "Keys": [ { "Id": "abc", "Secret": "a-secret-that-nobody-may-see", "SecretFile": "x", "Allow": ["all:*"] } ] } }""", "Strata:Access:Keys:0", "one of them")]
    [InlineData("""{ "Access": { "Keys": [ { "Id": "abc", "SecretFile": "/no/such/file", "Allow": ["all:*"] } ] } }""", "Strata:Access:Keys:0:SecretFile", "/no/such/file")]
    [InlineData("""{ "Access": { "Keys": [ { "Id": "abc", "Secret": "a-secret-that-nobody-may-see" } ] } }""", "Strata:Access:Keys:0:Allow", "all:*")]
    [InlineData("""{ "Access": { "Keys": [ { "Id": "abc", "Secret": "a-secret-that-nobody-may-see", "Allow": [ "fly:*" ] } ] } }""", "Strata:Access:Keys:0:Allow", "'fly'")]
    [InlineData("""{ "Access": { "Keys": [ { "Id": "abc", "Secret": "a-secret-that-nobody-may-see", "Allow": "all" } ] } }""", "Strata:Access:Keys:0:Allow", "RIGHT")]
    [InlineData("""{ "Access": { "Keys": [ { "Id": "abc", "Secret": "a-secret-that-nobody-may-see", "Allow": "all:*", "Rights": "x" } ] } }""", "Strata:Access:Keys:0:Rights", "no setting")]
    [InlineData("""{ "Access": { "Keys": [ { "Id": "abc", "Secret": "12345678", "Allow": "all:*" }, { "Id": "abc", "Secret": "a-secret-that-nobody-may-see", "Allow": "all:*" } ] } }""", "Strata:Access:Keys:1:Id", "must differ")]
    public void A_wrong_setting_is_named_with_what_it_takes(string strata, string setting, string takes)
    {
        StrataConfigurationException e = Assert.Throws<StrataConfigurationException>(() => Read(strata));
        Assert.Equal(setting, e.Setting);
        Assert.Contains(takes, e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, e.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_not_set_stays_as_it_was()
    {
        var defaults = new StrataServerOptions { MaxHeaderBytes = 256 << 10, Listen = "127.0.0.1:1" };
        StrataServerOptions read = StrataServerOptions.Read(new ConfigurationBuilder().Build(), defaults);
        Assert.Equal(defaults, read with { Access = defaults.Access });
        Assert.False(read.Access.IsRequired);
    }

    [Fact]
    public void Every_setting_is_read()
    {
        StrataServerOptions read = Read(
            """
            { "Server": { "Listen": "*:9001", "AllowedHosts": ["a.example", "b.example:80"], "MaxObjectBytes": "1TiB", "MaxXmlBytes": "1MiB", "MaxHeaderBytes": "64KiB",
                "MaxConnections": "77", "MaxUploads": "88", "MaxUploadsPerClient": "9", "MaxUnfinishedUploads": "99", "MaxKvDatabases": "7", "MaxRefusalsPerSecond": "0", "HeaderTimeout": "5s", "MinBytesPerSecond": "1KiB", "SlowGrace": "00:00:30", "DrainTimeout": "1.5m",
                "TlsCertificate": "c.pem", "TlsKey": "k.pem", "TlsPassword": " p w " },
              "Access": { "SealingKeyFile": "/run/sealing.key", "Keys": [ { "Id": "abc", "Secret": "12345678", "Name": "Ann", "Allow": ["read:a", "list:b/c"] } ] } }
            """);
        Assert.Equal(("*:9001", 1L << 40, 1 << 20, 64 << 10, 77, 1024), (read.Listen, read.MaxObjectBytes, read.MaxXmlBytes, read.MaxHeaderBytes, read.MaxConnections, read.MinBytesPerSecond));
        Assert.Equal((88, 9, 99, 7, 0), (read.MaxUploads, read.MaxUploadsPerClient, read.MaxUnfinishedUploads, read.MaxKvDatabases, read.MaxRefusalsPerSecond));
        Assert.Equal(["a.example", "b.example:80"], read.AllowedHosts);
        Assert.Equal((TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(90)), (read.HeaderTimeout, read.SlowGrace, read.DrainTimeout));
        Assert.Equal(new TlsOptions { Certificate = "c.pem", Key = "k.pem", Password = " p w " }, read.Tls);
        Assert.DoesNotContain(" p w ", read.ToString(), StringComparison.Ordinal);
        AccessKey key = Assert.Single(read.Access.Keys);
        Assert.Equal(("abc", "12345678", "Ann", true, "read:a list:b/c"), (key.Id, key.Secret, key.Name, key.IsConfigured, string.Join(' ', key.Grants)));
        Assert.True(read.Access.IsRequired);
        Assert.Equal("/run/sealing.key", read.SealingKeyFile);
    }

    /// <summary>An option that somebody adds becomes a setting by a row in ServerSettings.</summary>
    [Fact]
    public void Every_option_is_a_setting()
    {
        string[] elsewhere = [nameof(StrataServerOptions.Access), nameof(StrataServerOptions.SealingKeyFile), nameof(StrataServerOptions.Tls)];
        IEnumerable<string> options = typeof(StrataServerOptions).GetProperties().Select(p => p.Name).Except(elsewhere, StringComparer.Ordinal);
        Assert.Empty(options.Except(ServerSettings.Names, StringComparer.Ordinal));
    }

    [Fact]
    public void Keys_come_from_the_environment_as_containers_set_it()
    {
        Dictionary<string, string?> environment = new()
        {
            ["Strata:Access:Keys:0:Id"] = "abc", ["Strata:Access:Keys:0:Secret"] = "12345678", ["Strata:Access:Keys:0:Allow"] = "read,list:photos",
        };
        StrataServerOptions read = StrataServerOptions.Read(new ConfigurationBuilder().AddInMemoryCollection(environment).Build());
        Assert.Equal("read,list:photos", Assert.Single(Assert.Single(read.Access.Keys).Grants).ToString());
    }

    [Fact]
    public void A_secret_comes_from_a_file_without_the_end_of_its_line()
    {
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, Secret + "\n");
            string json = $$"""{ "Access": { "Keys": [ { "Id": "abc", "SecretFile": "{{file}}", "Allow": "all:*" } ] } }""";
            Assert.Equal(Secret, Read(json).Access.Find("abc")!.Secret);

            File.WriteAllText(file, Secret + "\nand more");
            StrataConfigurationException e = Assert.Throws<StrataConfigurationException>(() => Read(json));
            Assert.Equal("Strata:Access:Keys:0:SecretFile", e.Setting);
            Assert.DoesNotContain(Secret, e.ToString(), StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static StrataServerOptions Read(string strata)
    {
        using var json = new MemoryStream(Encoding.UTF8.GetBytes($$"""{ "Strata": {{strata}} }"""));
        return StrataServerOptions.Read(new ConfigurationBuilder().AddJsonStream(json).Build());
    }
}
