@path: 'catalog'
@requires: 'authenticated-user'
service CatalogService {
    @readonly entity ServiceCollection { key ID : String(40); Description : String; }
}

@path: 'closed'
@requires: 'gateway-admin'
service ClosedService {
    @readonly entity ServiceCollection { key ID : String(40); }
}
