using Xunit;

namespace Strata.Server.Tests;

public class ListenTests
{
    [Theory]
    [InlineData("0.0.0.0:9000")]
    [InlineData("[::]:9000")]
    [InlineData("*:9000")]
    [InlineData("192.168.1.4:9000")]
    [InlineData("example.org:9000")]
    public void Refuses_to_listen_beyond_loopback_and_says_why(string listen)
    {
        StrataConfigurationException refused = Assert.Throws<StrataConfigurationException>(() => ListenAddress.Parse(listen));
        Assert.Contains("Listen", refused.Message);
        Assert.Contains("access keys", refused.Message);
    }
}
