namespace Strata.Testing;

/// <summary>Names the type that a conformance class opens; one store or database may have several classes, one a configuration.</summary>
/// <param name="store">A type that implements <see cref="IBlobStore"/> or <see cref="IKvDatabase"/>.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class ConformanceOfAttribute(Type store) : Attribute
{
    /// <summary>The type of the store or database.</summary>
    public Type Store { get; } = store;
}
