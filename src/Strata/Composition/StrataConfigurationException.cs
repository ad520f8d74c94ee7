namespace Strata;

/// <summary>A setting that is wrong; the message names it and says what it takes.</summary>
public sealed class StrataConfigurationException(string setting, string message, Exception? inner = null) : Exception($"{setting}: {message}", inner)
{
    /// <summary>The path of the setting, such as <c>Strata:Stores:main:Tiers:0:Url</c>.</summary>
    public string Setting { get; } = setting;
}
