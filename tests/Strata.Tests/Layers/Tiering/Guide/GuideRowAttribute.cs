namespace Strata.Tests;

/// <summary>Names the row of a guide's table that a test stands for.</summary>
/// <param name="there">The row's first cell as it is written, without its backticks.</param>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
internal sealed class GuideRowAttribute(string there) : Attribute
{
    public string There => there;
}
