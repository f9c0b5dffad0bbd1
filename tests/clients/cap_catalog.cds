@path: 'catalog'
@requires: 'authenticated-user'
service CatalogService {
    @readonly entity ServiceCollection { key ID : String(40); Description : String; Title : String; ServiceUrl : String; }
}

@path: 'closed'
@requires: 'gateway-admin'
service ClosedService {
    @readonly entity ServiceCollection { key ID : String(40); }
}

@path: 'business'
@requires: 'authenticated-user'
@cds.query.limit: 100
service BusinessService {
    @title: 'Partners'
    entity Partners {
        key ID : UUID;
        @title: 'Name of the partner' name : String(80) not null;
        rating : Integer;
        turnover : Decimal(15, 2);
        active : Boolean;
        foundedOn : Date;
        @Core.Computed modifiedAt : Timestamp;
    }
    @readonly
    entity Regions { key code : String(3); name : String; }
}

@path: 'records'
@requires: 'authenticated-user'
@cds.query.limit: 100
service RecordsService {
    @readonly
    entity Orders {
        key number : String(10);
        text : String;
        amount : Decimal(15, 2);
        orderedAt : Timestamp;
        tags : many String;
        contacts : many { name : String; level : Integer; };
    }
}

@path: 'written'
@requires: 'authenticated-user'
service WrittenService {
    entity Machines {
        key ID : UUID;
        key place : Integer;
        name : String(40) not null;
        price : Decimal(9, 2);
        weight : Double;
        count : Integer64;
        active : Boolean;
        builtOn : Date;
        checkedAt : Timestamp;
        parts : Composition of many Parts on parts.machine = $self;
    }
    entity Parts {
        key number : String(10);
        machine : Association to Machines;
        text : String(40);
    }
    entity Days { key day : Date; key at : Timestamp; key text : String(40); note : String(40); }
}
